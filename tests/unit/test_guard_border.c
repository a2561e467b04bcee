/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libupnp behind the border, between a LAN and a WAN made of network namespaces. The gateway is a
 * child process without rights; the tests are its neighbours, with plain sockets. Needs the right
 * to make namespaces and ip(8), else it is skipped.
 *
 *	LAN 192.168.77.10 .11 .12 -- lan0 192.168.77.1 [gateway] wan0 203.0.113.1 -- WAN 203.0.113.2
 *
 * The gateway's default route is on the WAN, and its LAN device has a second address and an IPv6
 * one, none of which may show.
 */
#include "config.h"

/* First: its list.h takes "bool" away from all that comes before. */
#include <upnp/upnp.h>
#include <upnp/upnptools.h>

#include "lib/clock.h"
#include "lib/compiler.h"
#include "lib/log.h"
#include "unit.h"
#include "worker/upnp/gate.h"
#include "worker/upnp/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77 /* automake's */
#define HTTP_PORT 5431
#define GATEWAY "192.168.77.1"
#define QUICK_MS 500 /* without the border it would be seconds, or never */
#define PATIENCE_MS 3000
#define SILENCE_MS 300
#define LOCATION "LOCATION: http://" GATEWAY ":5431/"
#define URN "urn:schemas-upnp-org:service:Test:1"
#define SEARCH                                                                                     \
	"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"          \
	"MX: 1\r\nST: " URN "\r\n\r\n"
#define HOST "HOST: " GATEWAY ":5431\r\n"

static struct {
	int home, gateway, lan, wan; /* namespaces */
	pid_t pid;
	int control;     /* a command octet each; the child answers with the same */
	int lan_sniffer; /* a control point's socket: group and port 1900 */
	int wan_sniffer; /* everything on the WAN's wire */
	bool seen_on_wan;
} net;

/* -------- the gateway -------- */

static const char description[] =
    "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><specVersion><major>1"
    "</major><minor>0</minor></specVersion><device><deviceType>urn:schemas-upnp-org:device:Test:1"
    "</deviceType><friendlyName>t</friendlyName><manufacturer>t</manufacturer><modelName>t"
    "</modelName><UDN>uuid:11111111-2222-3333-4444-555555555555</UDN><serviceList><service>"
    "<serviceType>" URN "</serviceType><serviceId>urn:upnp-org:serviceId:Test1</serviceId>"
    "<SCPDURL>/scpd.xml</SCPDURL><controlURL>/ctl</controlURL><eventSubURL>/evt</eventSubURL>"
    "</service></serviceList></device></root>";

static UpnpDevice_Handle device;
static const char *names[] = { "Value" };
static const char *values[] = { "1" };

#define REFUSED_SIZE 501 /* the call that asks for it is answered with a fault nevertheless */

/* To a call with the argument "Size": so many octets, and none of libupnp's body. */
static char *
our_answer(struct soap_args args)
{
	const char *text, *name = soap_args_next(&args, &text);
	size_t size = name && strcmp(name, "Size") == 0 ? strtoul(text, NULL, 10) : 0;
	char *body = size ? malloc(size + 1) : NULL;

	if (body) {
		memset(body, 'x', size);
		body[size] = '\0';
	}
	return body;
}

static void
on_action(UpnpActionRequest *request)
{
	IXML_Document *answer = NULL;
	char *body = our_answer(gate_arguments());
	bool refused = body && strlen(body) == REFUSED_SIZE;

	UpnpAddToActionResponse(
	    &answer, UpnpActionRequest_get_ActionName_cstr(request), URN, "Out", "yes");
	UpnpActionRequest_set_ActionResult(request, answer);
	gate_answer(body);
	UpnpActionRequest_set_ErrCode(request, refused ? REFUSED_SIZE : UPNP_E_SUCCESS);
	UpnpActionRequest_strcpy_ErrStr(request, refused ? "refused" : "");
}

static int
on_upnp(Upnp_EventType type, const void *event, void *cookie UNUSED)
{
	const UpnpSubscriptionRequest *sub = event;

	if (type == UPNP_CONTROL_ACTION_REQUEST)
		on_action((UpnpActionRequest *)(uintptr_t)event);
	else if (type == UPNP_EVENT_SUBSCRIPTION_REQUEST)
		UpnpAcceptSubscription(device, UpnpSubscriptionRequest_get_UDN_cstr(sub),
		    UpnpSubscriptionRequest_get_ServiceId_cstr(sub), names, values, 1,
		    UpnpSubscriptionRequest_get_SID_cstr(sub));
	return 0;
}

static bool
start_device(void)
{
	const struct guard_config conf = {
		.ifname = "lan0",
		.ifindex = if_nametoindex("lan0"),
		.address = { 0xc0a84d01, 24 },
		.http_port = HTTP_PORT,
	};

	guard_init(&conf);
	if (UpnpInit2("lan0", 0) != UPNP_E_SUCCESS || guard_self_test() < 0)
		return false;
	UpnpEnableWebserver(1);
	if (UpnpRegisterRootDevice2(UPNPREG_BUF_DESC, description, strlen(description), 1, on_upnp,
		NULL, &device) != UPNP_E_SUCCESS)
		return false;
	guard_open();
	return UpnpSendAdvertisement(device, 1800) == UPNP_E_SUCCESS;
}

/* Runs in the child: obeys @control until told to stop. */
static void
gateway(int control)
{
	char command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_open("border", getenv("BORDER_DEBUG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	/* As the worker: nothing here may need a right. */
	if (setns(net.gateway, CLONE_NEWNET) < 0 || setgroups(0, NULL) < 0 || setgid(65534) < 0 ||
	    setuid(65534) < 0 || !start_device())
		_exit(EXIT_FAILURE);
	command = 'r';
	while (write(control, &command, 1) == 1 && read(control, &command, 1) == 1) {
		if (command == 'e')
			UpnpNotify(device, "uuid:11111111-2222-3333-4444-555555555555",
			    "urn:upnp-org:serviceId:Test1", names, values, 1);
		if (command == 'q')
			UpnpUnRegisterRootDevice(device);
	}
	UpnpFinish();
	_exit(EXIT_SUCCESS);
}

/* The gateway has done what @c says, within @ms. */
static bool
command(char c, int ms)
{
	struct pollfd p = { .fd = net.control, .events = POLLIN };
	char done = 0;

	if (c && write(net.control, &c, 1) != 1)
		return false;
	return poll(&p, 1, ms) == 1 && read(net.control, &done, 1) == 1 && (!c || done == c);
}

/* -------- sockets in a namespace -------- */

static void __attribute__((format(printf, 2, 3))) run(int ns, const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	setns(ns, CLONE_NEWNET);
	if (system(cmd) != 0)
		fprintf(stderr, "failed: %s\n", cmd);
	setns(net.home, CLONE_NEWNET);
}

static int
socket_in(int ns, int domain, int type, int protocol)
{
	int fd;

	setns(ns, CLONE_NEWNET);
	fd = socket(domain, type | SOCK_CLOEXEC, protocol);
	setns(net.home, CLONE_NEWNET);
	return fd;
}

static struct sockaddr_in
at(const char *ip, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, ip, &in.sin_addr);
	return in;
}

static int
bound(int ns, int type, const char *ip, uint16_t port)
{
	const struct sockaddr_in in = at(ip, port);
	int fd = socket_in(ns, AF_INET, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&in, sizeof(in)) < 0)
		perror(ip);
	return fd;
}

/* A TCP connection from @from to the gateway's @to; -1 with errno. */
static int
dial(int ns, const char *from, const char *to)
{
	const struct sockaddr_in in = at(to, HTTP_PORT);
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = bound(ns, SOCK_STREAM, from, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&in, sizeof(in)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* All that comes until the other end closes. */
static const char *
slurp(int fd)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

static const char *
ask(const char *from, const char *request)
{
	const char *answer;
	int fd = dial(net.lan, from, GATEWAY);

	if (fd < 0)
		return "";
	send(fd, request, strlen(request), MSG_NOSIGNAL);
	answer = slurp(fd);
	close(fd);
	return answer;
}

static int
status_of(const char *answer)
{
	return strncmp(answer, "HTTP/1.", 7) == 0 ? atoi(answer + 9) : 0;
}

static bool
readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* A datagram with @text in it comes to @fd within @ms. */
static bool
hears(int fd, const char *text, int ms, struct sockaddr_in *from)
{
	const int64_t until = clock_boot_ms() + ms;
	socklen_t len = sizeof(*from);
	char buf[2048];
	ssize_t n;

	while (clock_boot_ms() < until && readable(fd, (int)(until - clock_boot_ms()))) {
		len = sizeof(*from);
		n = recvfrom(fd, buf, sizeof(buf) - 1, 0, (struct sockaddr *)from, &len);
		if (n > 0) {
			buf[n] = '\0';
			if (strstr(buf, text))
				return true;
		}
	}
	return false;
}

/* Anything of SSDP on the WAN's wire that the gateway has sent? IPv4 and IPv6. */
static void
look_at_wan(void)
{
	unsigned char f[2048];
	ssize_t n;

	while ((n = recv(net.wan_sniffer, f, sizeof(f), MSG_DONTWAIT)) > 0) {
		bool ssdp = memmem(f, (size_t)n, "NOTIFY * HTTP", 13) ||
			    memmem(f, (size_t)n, "HTTP/1.1 200 OK", 15);

		net.seen_on_wan |= ssdp;
	}
}

static int64_t
duration(bool (*what)(void))
{
	const int64_t start = clock_boot_ms();

	return what() ? clock_boot_ms() - start : PATIENCE_MS;
}

/* Two of three of @times runs are quick: a machine that is busy otherwise may spoil some. */
static bool
is_quick(bool (*what)(void), int times)
{
	int quick = 0, i;

	for (i = 0; i < times; i++)
		quick += duration(what) < QUICK_MS;
	return 3 * quick >= 2 * times;
}

#define GET "GET /description.xml HTTP/1.1\r\n" HOST "\r\n"
#define CALL_BODY                                                                                  \
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"               \
	"<u:Act xmlns:u=\"" URN "\"/></s:Body></s:Envelope>"

static const char *
call(void)
{
	static char text[1024];

	snprintf(text, sizeof(text),
	    "POST /ctl HTTP/1.1\r\n" HOST "Soapaction: " URN
	    "#Act\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(CALL_BODY), CALL_BODY);
	return text;
}

static bool
call_from_11(void)
{
	return status_of(ask("192.168.77.11", call())) == 200;
}

static bool
search_from_11(void)
{
	const struct sockaddr_in group = at("239.255.255.250", 1900);
	struct sockaddr_in from;
	int fd = bound(net.lan, SOCK_DGRAM, "192.168.77.11", 0);
	bool ok;

	sendto(fd, SEARCH, strlen(SEARCH), 0, (const struct sockaddr *)&group, sizeof(group));
	ok = hears(fd, LOCATION, PATIENCE_MS, &from);
	close(fd);
	return ok;
}

/* -------- what must hold -------- */

static void
test_alive_leaves_on_the_lan_only(void)
{
	struct sockaddr_in from = { 0 };

	CU_ASSERT_TRUE(hears(net.lan_sniffer, "NTS: ssdp:alive", PATIENCE_MS, &from));
	CU_ASSERT_EQUAL(ntohl(from.sin_addr.s_addr), 0xc0a84d01);
	CU_ASSERT_TRUE(hears(net.lan_sniffer, LOCATION, PATIENCE_MS, &from));
	look_at_wan();
	CU_ASSERT_FALSE(net.seen_on_wan);
}

static void
test_multicast_search_is_answered_from_port_1900_with_the_lan_location(void)
{
	const struct sockaddr_in group = at("239.255.255.250", 1900);
	struct sockaddr_in from = { 0 };
	int fd = bound(net.lan, SOCK_DGRAM, "192.168.77.10", 0);

	sendto(fd, SEARCH, strlen(SEARCH), 0, (const struct sockaddr *)&group, sizeof(group));
	CU_ASSERT_TRUE(hears(fd, LOCATION, PATIENCE_MS, &from));
	CU_ASSERT_EQUAL(ntohl(from.sin_addr.s_addr), 0xc0a84d01);
	CU_ASSERT_EQUAL(ntohs(from.sin_port), 1900);
	close(fd);
}

static void
test_unicast_search_without_mx_and_quotes_is_answered(void)
{
	static const char search[] = "M-SEARCH * HTTP/1.1\r\nHost:" GATEWAY ":1900\r\n"
				     "ST:upnp:rootdevice\r\nMan:ssdp:discover\r\n\r\n";
	const struct sockaddr_in to = at(GATEWAY, 1900);
	struct sockaddr_in from;
	int fd = bound(net.lan, SOCK_DGRAM, "192.168.77.10", 0);

	sendto(fd, search, strlen(search), 0, (const struct sockaddr *)&to, sizeof(to));
	CU_ASSERT_TRUE(hears(fd, LOCATION, PATIENCE_MS, &from));
	close(fd);
}

static void
test_search_from_port_1900_is_answered(void)
{
	const struct sockaddr_in group = at("239.255.255.250", 1900);
	struct sockaddr_in from;
	int fd = bound(net.lan, SOCK_DGRAM, "192.168.77.10", 1900);

	sendto(fd, SEARCH, strlen(SEARCH), 0, (const struct sockaddr *)&group, sizeof(group));
	CU_ASSERT_TRUE(hears(fd, LOCATION, PATIENCE_MS, &from));
	close(fd);
}

static void
test_search_from_the_wan_is_not_answered(void)
{
	static const char *const to[] = { "239.255.255.250", "203.0.113.1", GATEWAY };
	struct sockaddr_in in, from;
	int fd = bound(net.wan, SOCK_DGRAM, "203.0.113.2", 0);
	size_t i;

	for (i = 0; i < 3; i++) {
		in = at(to[i], 1900);
		sendto(fd, SEARCH, strlen(SEARCH), 0, (const struct sockaddr *)&in, sizeof(in));
	}
	CU_ASSERT_FALSE(hears(fd, "", SILENCE_MS, &from));
	close(fd);
}

static void
test_search_from_a_foreign_address_on_the_lan_is_not_answered(void)
{
	const struct sockaddr_in group = at("239.255.255.250", 1900);
	struct sockaddr_in from;
	int fd = bound(net.lan, SOCK_DGRAM, "192.168.99.9", 0);

	sendto(fd, SEARCH, strlen(SEARCH), 0, (const struct sockaddr *)&group, sizeof(group));
	CU_ASSERT_FALSE(hears(fd, "", SILENCE_MS, &from));
	close(fd);
}

static void
test_http_from_the_wan_is_refused(void)
{
	CU_ASSERT_EQUAL(dial(net.wan, "203.0.113.2", "203.0.113.1"), -1);
	CU_ASSERT_EQUAL(errno, ECONNREFUSED);
	CU_ASSERT_EQUAL(dial(net.wan, "203.0.113.2", GATEWAY), -1);
	CU_ASSERT_EQUAL(errno, ECONNREFUSED);
}

static void
test_documents_and_calls_are_served_and_the_connection_closed(void)
{
	CU_ASSERT_EQUAL(status_of(ask("192.168.77.10", GET)), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("192.168.77.10", GET), URN));
	CU_ASSERT_EQUAL(status_of(ask("192.168.77.10", call())), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("192.168.77.10", call()), "<Out>yes</Out>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("192.168.77.10", call()), "CONNECTION: close\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("192.168.77.10", GET), "SERVER: portreeve/"));
	CU_ASSERT_EQUAL(
	    status_of(ask("192.168.77.10", "GET /description.xml HTTP/1.0\r\n\r\n")), 200);
	CU_ASSERT_TRUE(status_of(ask("192.168.77.10", "GET /no HTTP/1.1\r\n" HOST "\r\n")) >= 400);
}

static void
test_refused_requests_get_an_http_error(void)
{
	CU_ASSERT_EQUAL(status_of(ask("192.168.77.10", "GET / HTTP/1.1\r\n\r\n")), 400);
	CU_ASSERT_EQUAL(status_of(ask("192.168.77.10", "PUT / HTTP/1.1\r\n" HOST "\r\n")), 501);
	CU_ASSERT_EQUAL(status_of(ask("192.168.77.10",
			    "POST /ctl HTTP/1.1\r\n" HOST "SOAPACTION: " URN "#Act\r\n"
			    "Content-Length: 9999999\r\n\r\n")),
	    413);
	CU_ASSERT_EQUAL(status_of(ask("192.168.77.10",
			    "POST /ctl HTTP/1.1\r\n" HOST "SOAPACTION: " URN "#Act\r\n"
			    "Content-Length: 4\r\n\r\n<a/>")),
	    400);
}

static void
test_client_that_waits_for_100_continue_gets_it(void)
{
	char head[512], answer[32] = "";
	int fd = dial(net.lan, "192.168.77.10", GATEWAY);

	snprintf(head, sizeof(head),
	    "POST /ctl HTTP/1.1\r\n" HOST "SOAPACTION: \"" URN "#Act\"\r\n"
	    "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
	    strlen(CALL_BODY));
	send(fd, head, strlen(head), MSG_NOSIGNAL);
	CU_ASSERT_EQUAL(recv(fd, answer, 25, MSG_WAITALL), 25);
	CU_ASSERT_STRING_EQUAL(answer, "HTTP/1.1 100 Continue\r\n\r\n");
	send(fd, CALL_BODY, strlen(CALL_BODY), MSG_NOSIGNAL);
	CU_ASSERT_EQUAL(status_of(slurp(fd)), 200);
	close(fd);
}

static void
test_a_request_in_single_octets_is_served(void)
{
	const char *text = call();
	int fd = dial(net.lan, "192.168.77.10", GATEWAY);
	size_t i;

	for (i = 0; i < strlen(text); i++)
		send(fd, text + i, 1, MSG_NOSIGNAL);
	CU_ASSERT_EQUAL(status_of(slurp(fd)), 200);
	close(fd);
}

/* All of the answer to a call that asks for @size octets, allocated. */
static char *
answer_of(const char *version, size_t size)
{
	static const char body[] = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/"
				   "\"><s:Body><Act><Size>%07zu</Size></Act></s:Body></s:Envelope>";
	const size_t cap = size + 2048;
	char *text = malloc(cap);
	int fd = dial(net.lan, "192.168.77.10", GATEWAY);
	size_t len = 0;
	ssize_t n;

	len = (size_t)snprintf(text, cap,
	    "POST /ctl HTTP/%s\r\n" HOST "SOAPACTION: \"" URN "#Act\"\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    version, sizeof(body) - 1 + 7 - strlen("%07zu"));
	len += (size_t)snprintf(text + len, cap - len, body, size);
	send(fd, text, len, MSG_NOSIGNAL);
	for (len = 0; len < cap - 1 && (n = recv(fd, text + len, cap - 1 - len, 0)) > 0;)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return text;
}

/* Are all octets there, and they alone? */
static bool
answers_with(const char *version, size_t size)
{
	char *text = answer_of(version, size), *at = strstr(text, "\r\n\r\n"), length[40];
	bool ok;

	snprintf(length, sizeof(length), "\r\nCONTENT-LENGTH: %zu\r\n", size);
	ok = at && strncmp(text + 8, " 200 ", 5) == 0 && strstr(text, length) &&
	     strstr(text, "\r\nCONNECTION: close\r\n") && strspn(at + 4, "x") == size &&
	     at[4 + size] == '\0';
	free(text);
	return ok;
}

static void
test_our_body_goes_out_whole_and_in_place_of_libupnps(void)
{
	CU_ASSERT_TRUE(answers_with("1.1", 1));
	CU_ASSERT_TRUE(answers_with("1.0", 300));
	CU_ASSERT_TRUE(answers_with("1.1", 5000000)); /* more than any socket takes at once */
}

static void
test_our_body_does_not_go_out_with_a_fault(void)
{
	char *text = answer_of("1.1", REFUSED_SIZE);

	CU_ASSERT_EQUAL(status_of(text), 500);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "<errorCode>501</errorCode>"));
	CU_ASSERT_PTR_NULL(strstr(text, "xxx"));
	free(text);
}

static void
test_crowd_of_stuck_connections_delays_nobody_else(void)
{
	static const char half[] = "POST /ctl HTTP/1.1\r\n" HOST "SOAPAC";
	int fd[250], i;

	for (i = 0; i < 250; i++) {
		fd[i] = dial(net.lan, "192.168.77.10", GATEWAY);
		if (i >= 200 && fd[i] >= 0)
			send(fd[i], half, strlen(half), MSG_NOSIGNAL);
	}
	CU_ASSERT_TRUE(is_quick(call_from_11, 21));
	for (i = 0; i < 250; i++)
		close(fd[i]);
}

/* More addresses than there are places: those that hold least are let in all the same. */
static void
test_crowd_from_many_addresses_keeps_nobody_else_out(void)
{
	static const char half[] = "GET / HTTP/1.1\r\n";
	char from[32];
	int fd[200], i;

	for (i = 0; i < 200; i++) {
		snprintf(from, sizeof(from), "192.168.77.%d", 20 + i % 10);
		fd[i] = dial(net.lan, from, GATEWAY);
		if (fd[i] >= 0)
			send(fd[i], half, strlen(half), MSG_NOSIGNAL);
	}
	CU_ASSERT_TRUE(is_quick(call_from_11, 21));
	for (i = 0; i < 200; i++)
		close(fd[i]);
}

static void
test_sixteen_at_once_from_one_address_are_all_served(void)
{
	int fd[16], i, served = 0;

	for (i = 0; i < 16; i++)
		fd[i] = dial(net.lan, "192.168.77.10", GATEWAY);
	for (i = 0; i < 16; i++)
		send(fd[i], call(), strlen(call()), MSG_NOSIGNAL);
	for (i = 0; i < 16; i++) {
		served += status_of(slurp(fd[i])) == 200;
		close(fd[i]);
	}
	CU_ASSERT_EQUAL(served, 16);
}

static void
test_stuck_request_ends_after_two_seconds(void)
{
	const int64_t start = clock_boot_ms();
	int fd = dial(net.lan, "192.168.77.10", GATEWAY);

	send(fd, "GET /", 5, MSG_NOSIGNAL);
	CU_ASSERT_EQUAL(status_of(slurp(fd)), 408);
	CU_ASSERT_TRUE(clock_boot_ms() - start >= 1900 && clock_boot_ms() - start < 2500);
	close(fd);
}

/* Subscribes @ip with a callback to @port; the status. */
static int
subscribe(const char *ip, unsigned int port)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "SUBSCRIBE /evt HTTP/1.1\r\n" HOST
	    "NT: upnp:event\r\nCALLBACK: <http://%s:%u/e>\r\n\r\n",
	    ip, port);
	return status_of(ask(ip, text));
}

#define EVENT_OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define EVENT_UNKNOWN "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"

/* The next event that comes to listener @fd; says @answer. */
static const char *
next_event(int fd, const char *answer)
{
	static char text[4096];
	size_t len = 0;
	ssize_t n;
	int c;

	if (!readable(fd, PATIENCE_MS))
		return "";
	c = accept(fd, NULL, NULL);
	do {
		n = readable(c, PATIENCE_MS) ? recv(c, text + len, sizeof(text) - 1 - len, 0) : 0;
		len += n > 0 ? (size_t)n : 0;
		text[len] = '\0';
	} while (n > 0 && !strstr(text, "propertyset>\r\n") && !strstr(text, "</e:propertyset>"));
	send(c, answer, strlen(answer), MSG_NOSIGNAL);
	close(c);
	return text;
}

static void
test_subscriber_gets_initial_event_and_changes_in_order(void)
{
	const char *event;
	int fd = bound(net.lan, SOCK_STREAM, "192.168.77.10", 2869);

	listen(fd, 5);
	CU_ASSERT_EQUAL(subscribe("192.168.77.10", 2869), 200);
	event = next_event(fd, EVENT_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(event, "SEQ: 0\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(event, "<Value>1</Value>"));
	CU_ASSERT_TRUE(command('e', PATIENCE_MS));
	CU_ASSERT_PTR_NOT_NULL(strstr(next_event(fd, EVENT_OK), "SEQ: 1\r\n"));
	CU_ASSERT_TRUE(command('e', PATIENCE_MS));
	CU_ASSERT_PTR_NOT_NULL(strstr(next_event(fd, EVENT_OK), "SEQ: 2\r\n"));
	close(fd);
}

static void
test_each_callback_is_tried_in_turn(void)
{
	const char *event;
	int fd = bound(net.lan, SOCK_STREAM, "192.168.77.10", 2871);

	listen(fd, 5);
	CU_ASSERT_EQUAL(status_of(ask("192.168.77.10",
			    "SUBSCRIBE /evt HTTP/1.1\r\n" HOST "NT: upnp:event\r\n"
			    "CALLBACK: <http://192.168.77.10:2/a><http://192.168.77.10:3>"
			    "<http://192.168.77.10:2871/c?d><http://192.168.77.10:4/>\r\n\r\n")),
	    200);
	event = next_event(fd, EVENT_OK);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(event, "NOTIFY /c?d HTTP/1.1\r\nHOST: 192.168.77.10:2871\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(event, "SEQ: 0\r\n"));
	CU_ASSERT_TRUE(command('e', PATIENCE_MS));
	CU_ASSERT_TRUE(command('e', PATIENCE_MS));
	CU_ASSERT_PTR_NOT_NULL(strstr(next_event(fd, EVENT_OK), "SEQ: 1\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(next_event(fd, EVENT_OK), "SEQ: 2\r\n"));
	close(fd);
}

static void
test_subscription_that_nobody_knows_ends(void)
{
	int fd = bound(net.lan, SOCK_STREAM, "192.168.77.10", 2870), i;

	listen(fd, 5);
	CU_ASSERT_EQUAL(subscribe("192.168.77.10", 2870), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(next_event(fd, EVENT_UNKNOWN), "SEQ: 0\r\n"));
	/* The courier reads that answer in its own time: more events may be under way by then. */
	for (i = 0; i < 5; i++) {
		CU_ASSERT_TRUE(command('e', PATIENCE_MS));
		if (!readable(fd, SILENCE_MS))
			break;
		next_event(fd, EVENT_UNKNOWN);
	}
	CU_ASSERT(i < 5);
	close(fd);
}

static void
test_events_for_others_are_not_subscribed(void)
{
	CU_ASSERT_EQUAL(
	    status_of(ask("192.168.77.10", "SUBSCRIBE /evt HTTP/1.1\r\n" HOST "NT: upnp:event\r\n"
					   "CALLBACK: <http://192.168.77.11:80/>\r\n\r\n")),
	    412);
}

static void
test_dead_subscribers_delay_neither_search_nor_call(void)
{
	unsigned int i;

	for (i = 0; i < 12; i++)
		CU_ASSERT_EQUAL(subscribe("192.168.77.12", 1000 + i), 200);
	run(net.lan, "ip addr del 192.168.77.12/24 dev eth0");
	run(net.gateway, "ip neigh flush dev lan0");
	for (i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(command('e', PATIENCE_MS));
		CU_ASSERT_TRUE(is_quick(search_from_11, 3));
		CU_ASSERT_TRUE(is_quick(call_from_11, 3));
	}
}

static void
test_byebye_leaves_on_the_lan_only_and_at_once(void)
{
	struct sockaddr_in from;
	const int64_t start = clock_boot_ms();

	CU_ASSERT_TRUE(command('q', PATIENCE_MS));
	CU_ASSERT_TRUE(clock_boot_ms() - start < 1000);
	CU_ASSERT_TRUE(hears(net.lan_sniffer, "NTS: ssdp:byebye", PATIENCE_MS, &from));
	look_at_wan();
	CU_ASSERT_FALSE(net.seen_on_wan);
}

/* -------- the ground -------- */

static int
new_namespace(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return open("/proc/self/ns/net", O_RDONLY);
}

static bool
make_network(void)
{
	const int self = (int)getpid();

	net.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	net.gateway = new_namespace();
	net.lan = new_namespace();
	net.wan = new_namespace();
	if (net.gateway < 0 || net.lan < 0 || net.wan < 0 || setns(net.home, CLONE_NEWNET) < 0 ||
	    system("ip -V >/dev/null 2>&1") != 0)
		return false;
	run(net.gateway, "ip link add lan0 type veth peer name eth0 netns /proc/%d/fd/%d", self,
	    net.lan);
	run(net.gateway, "ip link add wan0 type veth peer name eth0 netns /proc/%d/fd/%d", self,
	    net.wan);
	run(net.gateway,
	    "ip addr add 203.0.113.1/24 dev wan0; ip addr add " GATEWAY "/24 dev lan0; "
	    "ip addr add 192.168.78.1/24 dev lan0; "
	    "ip addr add 2001:db8::1/64 dev lan0 nodad; ip link set lo up; "
	    "ip link set lan0 up; ip link set wan0 up; "
	    "ip route add default via 203.0.113.2");
	run(net.lan, "ip link set lo up; ip link set eth0 up; for a in 10 11 12 20 21 22 23 24 25 "
		     "26 27 28 29; do "
		     "ip addr add 192.168.77.$a/24 dev eth0; done; "
		     "ip addr add 192.168.99.9/24 dev eth0; ip route add 224.0.0.0/4 dev eth0");
	run(net.wan, "ip link set lo up; ip link set eth0 up; ip addr add 203.0.113.2/24 dev eth0; "
		     "ip route add default via 203.0.113.1");
	return true;
}

static void
listen_around(void)
{
	struct ip_mreqn group = { .imr_multiaddr = at("239.255.255.250", 0).sin_addr };

	net.lan_sniffer = bound(net.lan, SOCK_DGRAM, "0.0.0.0", 1900);
	setns(net.lan, CLONE_NEWNET);
	group.imr_ifindex = (int)if_nametoindex("eth0");
	setsockopt(net.lan_sniffer, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group));
	setns(net.home, CLONE_NEWNET);
	net.wan_sniffer = socket_in(net.wan, AF_PACKET, SOCK_RAW, htons(0x0003 /* ETH_P_ALL */));
}

static bool
start_gateway(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	net.pid = fork();
	if (net.pid == 0) {
		close(pair[0]);
		gateway(pair[1]);
	}
	close(pair[1]);
	net.control = pair[0];
	return net.pid > 0 && command(0, 2 * PATIENCE_MS);
}

static void
test_gateway_starts_without_rights_and_the_self_test_agrees(void)
{
	CU_ASSERT_TRUE_FATAL(start_gateway());
}

/* Another on the same address: it must not settle for another port. */
static void
test_port_that_is_taken_is_an_error_at_once(void)
{
	const int64_t start = clock_boot_ms();
	int pair[2], status = 0;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		/* It says why, which is not for this test's reader. */
		if (!getenv("BORDER_DEBUG"))
			dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		gateway(pair[1]);
	}
	close(pair[0]);
	close(pair[1]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	CU_ASSERT_TRUE(clock_boot_ms() - start < PATIENCE_MS);
}

static void
test_guard_that_was_not_set_up_is_no_guard(void)
{
	CU_ASSERT_EQUAL(guard_self_test(), -ENOTSUP);
}

static void
test_gateway_ends_well(void)
{
	int status = -1;

	close(net.control);
	CU_ASSERT_EQUAL(waitpid(net.pid, &status, 0), net.pid);
	CU_ASSERT_EQUAL(status, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(guard_that_was_not_set_up_is_no_guard),
	UNIT_TEST(gateway_starts_without_rights_and_the_self_test_agrees),
	UNIT_TEST(alive_leaves_on_the_lan_only),
	UNIT_TEST(multicast_search_is_answered_from_port_1900_with_the_lan_location),
	UNIT_TEST(unicast_search_without_mx_and_quotes_is_answered),
	UNIT_TEST(search_from_port_1900_is_answered),
	UNIT_TEST(search_from_the_wan_is_not_answered),
	UNIT_TEST(search_from_a_foreign_address_on_the_lan_is_not_answered),
	UNIT_TEST(http_from_the_wan_is_refused),
	UNIT_TEST(documents_and_calls_are_served_and_the_connection_closed),
	UNIT_TEST(refused_requests_get_an_http_error),
	UNIT_TEST(client_that_waits_for_100_continue_gets_it),
	UNIT_TEST(a_request_in_single_octets_is_served),
	UNIT_TEST(our_body_goes_out_whole_and_in_place_of_libupnps),
	UNIT_TEST(our_body_does_not_go_out_with_a_fault),
	UNIT_TEST(sixteen_at_once_from_one_address_are_all_served),
	UNIT_TEST(stuck_request_ends_after_two_seconds),
	UNIT_TEST(subscriber_gets_initial_event_and_changes_in_order),
	UNIT_TEST(each_callback_is_tried_in_turn),
	UNIT_TEST(subscription_that_nobody_knows_ends),
	UNIT_TEST(events_for_others_are_not_subscribed),
	UNIT_TEST(port_that_is_taken_is_an_error_at_once),
	/* From here on by others: the gate may still be closing what the crowds have left. */
	UNIT_TEST(crowd_of_stuck_connections_delays_nobody_else),
	UNIT_TEST(crowd_from_many_addresses_keeps_nobody_else_out),
	UNIT_TEST(dead_subscribers_delay_neither_search_nor_call),
	UNIT_TEST(byebye_leaves_on_the_lan_only_and_at_once),
	UNIT_TEST(gateway_ends_well),
	UNIT_END,
};

int
main(void)
{
	if (!make_network()) {
		puts("guard_border: 0 passed, 0 failed, 1 skipped: cannot make namespaces");
		return SKIPPED;
	}
	listen_around();
	return unit_run("guard_border", tests);
}
