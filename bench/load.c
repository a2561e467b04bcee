/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The load of bench/run: SOAP requests as clients on a LAN send them, and new flows as strangers on
 * the WAN begin them. Prints one line of JSON. Runs in the network namespace it was started in.
 *
 *	load soap   --to ADDR:PORT --path P --service URN --sources ADDR/N --clients C --seconds S
 *	            --actions A[,B] --first I --count N --spread M --cycles K --usage FILE
 *	load flows  --to ADDR:PORT --sources ADDR/N --first I --count N --seconds S --cpu K
 *	load forget                  (empties the connection table)
 *
 * Mapping I is UDP, external and internal port PORT_BASE + I, for the (I mod N)th source address,
 * which also asks for it: so the daemons can stay in secure mode, with their usual quotas.
 *
 * soap: action A for COUNT mappings from FIRST on (with SPREAD: for such among the M from there),
 * then B for those that A was done for, and all that K times or until the time is over, which never
 * ends B. FILE tells the CPU time of who is asked, in ns: cpuacct.usage of its control group.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT_BASE 10000 /* no port there is one of those that are never mapped unasked */
#define LEASE_S 86400
#define REQUEST_S 30 /* after that a request has failed */
#define UNDO_S 120   /* the second action of a cycle is never cut off, but by this */
#define CLIENTS_MAX 64
#define BATCH 64       /* packets per sendmmsg() */
#define FLOW_OCTETS 18 /* of payload: the smallest Ethernet frame */

static struct options {
	struct sockaddr_in to;
	const char *path, *service, *usage;
	const char *actions[2];
	unsigned n_actions;
	uint32_t source; /* the first one */
	unsigned n_sources, first, count, spread, cycles, clients;
	double seconds;
	int cpu;
} opt = { .n_sources = 1, .count = 1, .cycles = 1, .clients = 1, .seconds = 10, .cpu = -1 };

static void
fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint32_t
source_of(unsigned index)
{
	return opt.source + index % opt.n_sources;
}

/* ---- SOAP ---- */

/* What is done for the mappings first .. first + count - 1, and what came of it in all cycles. */
static struct action {
	const char *name;
	double *latencies_us;
	unsigned made, ok, faults, errors, last_fault;
	double seconds, cpu_us;
} actions[2];

/* The part of it that is under way, shared by all clients. */
static struct {
	struct action *action;
	double until_s;
	unsigned count;
	atomic_uint next, ok, faults, errors, last_fault;
} phase;

static unsigned
mapping_of(unsigned k)
{
	/* A prime far from any size: neighbours in time are no neighbours in the table. */
	return opt.first + (opt.spread ? (uint64_t)k * 7919 % opt.spread : k);
}

static void
dotted(uint32_t addr, char buf[INET_ADDRSTRLEN])
{
	struct in_addr in = { htonl(addr) };

	inet_ntop(AF_INET, &in, buf, INET_ADDRSTRLEN);
}

/* The arguments of @action for mapping @index. */
static int
write_arguments(char *buf, size_t size, const char *action, unsigned index)
{
	unsigned port = PORT_BASE + index;
	char client[INET_ADDRSTRLEN];

	dotted(source_of(index), client);
	if (strcmp(action, "AddPortMapping") == 0)
		return snprintf(buf, size,
		    "<NewRemoteHost></NewRemoteHost><NewExternalPort>%u</NewExternalPort>"
		    "<NewProtocol>UDP</NewProtocol><NewInternalPort>%u</NewInternalPort>"
		    "<NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled>"
		    "<NewPortMappingDescription>bench %u</NewPortMappingDescription>"
		    "<NewLeaseDuration>%d</NewLeaseDuration>",
		    port, port, client, index, LEASE_S);
	if (strcmp(action, "DeletePortMapping") == 0 ||
	    strcmp(action, "GetSpecificPortMappingEntry") == 0)
		return snprintf(buf, size,
		    "<NewRemoteHost></NewRemoteHost><NewExternalPort>%u</NewExternalPort>"
		    "<NewProtocol>UDP</NewProtocol>",
		    port);
	return snprintf(buf, size, "%s", "");
}

static int
write_request(char *buf, size_t size, const char *action, unsigned index)
{
	char arguments[1024], body[2048], host[INET_ADDRSTRLEN];
	int n;

	write_arguments(arguments, sizeof(arguments), action, index);
	n = snprintf(body, sizeof(body),
	    "<?xml version=\"1.0\"?>\r\n"
	    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
	    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
	    "<u:%s xmlns:u=\"%s\">%s</u:%s></s:Body></s:Envelope>\r\n",
	    action, opt.service, arguments, action);
	dotted(ntohl(opt.to.sin_addr.s_addr), host);
	return snprintf(buf, size,
	    "POST %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: bench/1.0 UPnP/1.1\r\n"
	    "Content-Length: %d\r\nContent-Type: text/xml\r\nSOAPAction: \"%s#%s\"\r\n"
	    "Connection: Close\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n\r\n%s",
	    opt.path, host, ntohs(opt.to.sin_port), n, opt.service, action, body);
}

/* A connected socket from the source address of mapping @index, or -1. */
static int
connect_as(unsigned index)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(source_of(index)) };
	struct timeval patience = { REQUEST_S, 0 };
	int on = 1, fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)); /* connect, too */
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(fd, (struct sockaddr *)&opt.to, sizeof(opt.to)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Is a whole response in @buf? By Content-Length; without one the end of the connection tells. */
static bool
is_whole(const char *buf, size_t len)
{
	const char *body = strstr(buf, "\r\n\r\n"), *field;

	if (!body)
		return false;
	field = strcasestr(buf, "\r\nContent-Length:");
	return field && field < body &&
	       len >= (size_t)(body + 4 - buf) + strtoul(field + 17, NULL, 10);
}

/* Reads the response; its status, or -1. */
static int
read_response(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	buf[0] = '\0';
	while (len < size - 1 && !is_whole(buf, len)) {
		n = recv(fd, buf + len, size - 1 - len, 0);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
	}
	return len > 12 && strncmp(buf, "HTTP/1.", 7) == 0 ? atoi(buf + 9) : -1;
}

static void
count_response(int status, const char *buf)
{
	const char *code = strstr(buf, "<errorCode>");

	if (status == 200) {
		phase.ok++;
		return;
	}
	phase.faults++;
	phase.last_fault = code ? (unsigned)atoi(code + 11) : (unsigned)status;
}

/* Request @k of the phase; its latency goes to place @k of @latencies_us. */
static void
one_request(double *latencies_us, unsigned k)
{
	char request[4096], response[8192];
	unsigned index = mapping_of(k);
	double begun_s = now_s();
	int status = -1, len, fd;

	len = write_request(request, sizeof(request), phase.action->name, index);
	fd = connect_as(index);
	if (fd >= 0) {
		if (send(fd, request, (size_t)len, MSG_NOSIGNAL) == len)
			status = read_response(fd, response, sizeof(response));
		close(fd);
	}
	latencies_us[k] = (now_s() - begun_s) * 1e6;
	if (status < 0)
		phase.errors++;
	else
		count_response(status, response);
}

static void *
client(void *arg)
{
	double *latencies_us = arg;
	unsigned k;

	while (now_s() < phase.until_s && (k = phase.next++) < phase.count)
		one_request(latencies_us, k);
	return NULL;
}

/* 0 without a file to read it from. */
static double
usage_us(void)
{
	char buf[64] = "";
	FILE *f;

	if (!opt.usage)
		return 0;
	f = fopen(opt.usage, "re");
	if (!f || !fgets(buf, sizeof(buf), f))
		fail(opt.usage);
	fclose(f);
	return strtod(buf, NULL) / 1000;
}

/* All clients do @action for @count mappings. How many it was done for. */
static unsigned
run_phase(struct action *action, unsigned count, double seconds)
{
	double *latencies_us = action->latencies_us + action->made;
	pthread_t threads[CLIENTS_MAX];
	double begun_s, begun_us;
	unsigned i, made;

	memset(&phase, 0, sizeof(phase));
	phase.action = action;
	phase.count = count;
	begun_us = usage_us();
	begun_s = now_s();
	phase.until_s = begun_s + seconds;
	for (i = 0; i < opt.clients; i++)
		if ((errno = pthread_create(&threads[i], NULL, client, latencies_us)))
			fail("thread");
	for (i = 0; i < opt.clients; i++)
		pthread_join(threads[i], NULL);
	action->seconds += now_s() - begun_s;
	action->cpu_us += usage_us() - begun_us;
	made = phase.ok + phase.faults + phase.errors;
	action->made += made;
	action->ok += phase.ok;
	action->faults += phase.faults;
	action->errors += phase.errors;
	if (phase.last_fault)
		action->last_fault = phase.last_fault;
	return made;
}

static void
print_action(const struct action *a)
{
	unsigned i;

	printf("{\"made\": %u, \"ok\": %u, \"faults\": %u, \"last_fault\": %u, \"errors\": %u, "
	       "\"seconds\": %.6f, \"cpu_us\": %.1f, \"latencies_us\": [",
	    a->made, a->ok, a->faults, a->last_fault, a->errors, a->seconds, a->cpu_us);
	for (i = 0; i < a->made; i++)
		printf("%s%.0f", i ? ", " : "", a->latencies_us[i]);
	printf("]}");
}

static int
soap(void)
{
	double until_s = now_s() + opt.seconds;
	unsigned i, c, made = opt.count;

	for (i = 0; i < opt.n_actions; i++) {
		actions[i].name = opt.actions[i];
		actions[i].latencies_us =
		    calloc((size_t)opt.count * opt.cycles, sizeof(*actions[i].latencies_us));
		if (!actions[i].latencies_us)
			fail("memory");
	}
	for (c = 0; c < opt.cycles && now_s() < until_s; c++) {
		made = run_phase(&actions[0], opt.count, until_s - now_s());
		if (opt.n_actions > 1)
			run_phase(&actions[1], made, UNDO_S);
	}
	printf("[");
	for (i = 0; i < opt.n_actions; i++) {
		printf("%s", i ? ", " : "");
		print_action(&actions[i]);
		free(actions[i].latencies_us);
	}
	printf("]\n");
	return EXIT_SUCCESS;
}

/* ---- flows ---- */

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	char payload[FLOW_OCTETS];
};

/* The first packet of flow @index: each has another source address or port. */
static void
build_packet(struct packet *p, unsigned index)
{
	memset(p, 0, sizeof(*p));
	p->ip.version = 4;
	p->ip.ihl = 5;
	p->ip.ttl = 64;
	p->ip.tot_len = htons(sizeof(*p));
	p->ip.protocol = IPPROTO_UDP;
	p->ip.saddr = htonl(source_of(index));
	p->ip.daddr = opt.to.sin_addr.s_addr;
	p->udp.source = htons((uint16_t)(1024 + index / opt.n_sources % 60000));
	p->udp.dest = opt.to.sin_port;
	p->udp.len = htons(sizeof(p->udp) + sizeof(p->payload));
}

/* Sends @n packets from flow @from on. Each is taken through the gateway before the call returns:
 * veth hands it over on this processor. */
static void
send_batch(int fd, unsigned from, unsigned n)
{
	static struct packet packets[BATCH];
	static struct mmsghdr msgs[BATCH];
	static struct iovec iov[BATCH];
	unsigned i;
	int sent;

	for (i = 0; i < n; i++) {
		build_packet(&packets[i], from + i);
		iov[i] = (struct iovec){ &packets[i], sizeof(packets[i]) };
		msgs[i].msg_hdr = (struct msghdr){ .msg_name = &opt.to,
			.msg_namelen = sizeof(opt.to),
			.msg_iov = &iov[i],
			.msg_iovlen = 1 };
	}
	for (i = 0; i < n; i += (unsigned)sent) {
		sent = sendmmsg(fd, msgs + i, n - i, 0);
		if (sent <= 0)
			fail("sendmmsg");
	}
}

static int
flows(void)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), size = 4 << 20;
	double begun_s, until_s, took_s;
	unsigned sent = 0, n;
	cpu_set_t cpus;

	if (fd < 0)
		fail("raw socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (opt.cpu >= 0) {
		CPU_ZERO(&cpus);
		CPU_SET(opt.cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
			fail("sched_setaffinity");
	}
	begun_s = now_s();
	until_s = begun_s + opt.seconds;
	while (sent < opt.count && now_s() < until_s) {
		n = opt.count - sent < BATCH ? opt.count - sent : BATCH;
		send_batch(fd, opt.first + sent, n);
		sent += n;
	}
	took_s = now_s() - begun_s;
	printf("{\"sent\": %u, \"seconds\": %.6f}\n", sent, took_s);
	return EXIT_SUCCESS;
}

/* ---- the connection table ---- */

static int
forget(void)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} req = { .nlh = { .nlmsg_len = sizeof(req),
		      .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} ack = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || send(fd, &req, sizeof(req), 0) < 0 || recv(fd, &ack, sizeof(ack), 0) < 0)
		fail("conntrack");
	errno = -ack.err.error;
	if (errno)
		fail("conntrack");
	return EXIT_SUCCESS;
}

/* ---- options ---- */

static void
usage(void)
{
	fprintf(stderr, "usage: load soap|flows|forget OPTIONS (see the top of bench/load.c)\n");
	exit(2);
}

/* "192.168.1.2/250" or "192.168.1.1:5000": address, and the number after @mark. */
static uint32_t
split(char *text, char mark, unsigned *number)
{
	char *at = strchr(text, mark);
	struct in_addr in;

	if (!at)
		usage();
	*at = '\0';
	*number = (unsigned)strtoul(at + 1, NULL, 10);
	if (inet_pton(AF_INET, text, &in) != 1 || *number == 0)
		usage();
	return ntohl(in.s_addr);
}

static void
parse_options(int argc, char **argv)
{
	static const struct option longs[] = { { "to", 1, NULL, 't' }, { "path", 1, NULL, 'p' },
		{ "service", 1, NULL, 's' }, { "actions", 1, NULL, 'a' },
		{ "spread", 1, NULL, 'm' }, { "cycles", 1, NULL, 'y' }, { "usage", 1, NULL, 'u' },
		{ "sources", 1, NULL, 'f' }, { "first", 1, NULL, 'i' }, { "count", 1, NULL, 'n' },
		{ "clients", 1, NULL, 'c' }, { "seconds", 1, NULL, 'd' }, { "cpu", 1, NULL, 'k' },
		{ 0 } };
	unsigned port;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 't':
			opt.to.sin_family = AF_INET;
			opt.to.sin_addr.s_addr = htonl(split(optarg, ':', &port));
			opt.to.sin_port = htons((uint16_t)port);
			break;
		case 'p':
			opt.path = optarg;
			break;
		case 's':
			opt.service = optarg;
			break;
		case 'a':
			opt.actions[0] = strtok(optarg, ",");
			opt.actions[1] = strtok(NULL, ",");
			opt.n_actions = opt.actions[1] ? 2 : 1;
			break;
		case 'm':
			opt.spread = (unsigned)atoi(optarg);
			break;
		case 'y':
			opt.cycles = (unsigned)atoi(optarg);
			break;
		case 'u':
			opt.usage = optarg;
			break;
		case 'f':
			opt.source = split(optarg, '/', &opt.n_sources);
			break;
		case 'i':
			opt.first = (unsigned)atoi(optarg);
			break;
		case 'n':
			opt.count = (unsigned)atoi(optarg);
			break;
		case 'c':
			opt.clients = (unsigned)atoi(optarg);
			break;
		case 'd':
			opt.seconds = atof(optarg);
			break;
		case 'k':
			opt.cpu = atoi(optarg);
			break;
		default:
			usage();
		}
	}
	if (!opt.count || !opt.clients || opt.clients > CLIENTS_MAX)
		usage();
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (strcmp(mode, "forget") == 0)
		return forget();
	if (argc > 1)
		parse_options(argc - 1, argv + 1);
	if (strcmp(mode, "soap") == 0 && opt.path && opt.service && opt.n_actions && opt.source)
		return soap();
	if (strcmp(mode, "flows") == 0 && opt.source && opt.to.sin_port)
		return flows();
	usage();
}
