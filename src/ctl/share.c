/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verb "share": writes what it takes into the configuration file, and lets the daemon read it.
 * The file is read and checked as the daemon does it, before and after.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/conf.h"
#include "ctl/conf_edit.h"
#include "ctl/ctl.h"
#include "dhcp/exits.h"

#define FILE_MAX_OCTETS (1 << 20)

static struct conf conf; /* as it is, then as it shall be; too large for a stack */

static enum ctl_exit
fail(struct ctl *ctl, const char *path, int error)
{
	char text[PATH_MAX + 128];

	snprintf(text, sizeof(text), "%s: %s", path, strerror(error));
	ctl->writer->error(ctl->writer, "not-written", text);
	return CTL_REFUSED;
}

/* ---- the file ---- */

/* Its text, to be freed; empty when there is no such file. NULL: errno. */
static char *
slurp(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text;
	size_t n;

	if (!in && errno != ENOENT)
		return NULL;
	text = calloc(1, FILE_MAX_OCTETS);
	if (!in || !text)
		return text;
	n = fread(text, 1, FILE_MAX_OCTETS - 1, in);
	if (ferror(in) || n == FILE_MAX_OCTETS - 1) {
		errno = ferror(in) ? EIO : EFBIG;
		free(text);
		text = NULL;
	}
	fclose(in);
	return text;
}

/* The folder of the default file is made; one that was named must be there. */
static void
make_folder(const char *path)
{
	char folder[PATH_MAX];
	char *slash;

	if (strcmp(path, CONF_PATH) != 0)
		return;
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash) {
		*slash = '\0';
		mkdir(folder, 0755);
	}
}

/* Whole and on disk; as readable as the old one at @path, which is not touched. 0 or an errno. */
static int
write_fresh(const char *path, const char *fresh, const char *text)
{
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t left = strlen(text);
	struct stat st;
	ssize_t n;
	int rc = 0;

	if (fd < 0)
		return errno;
	while (left && (n = write(fd, text, left)) > 0) {
		text += n;
		left -= (size_t)n;
	}
	if (left)
		rc = errno ? errno : EIO;
	if (stat(path, &st) < 0)
		st = (struct stat){ .st_mode = 0644 };
	if (rc == 0 && (fchown(fd, st.st_uid, st.st_gid) < 0 ||
			   fchmod(fd, st.st_mode & 07777) < 0 || fsync(fd) < 0))
		rc = errno;
	return close(fd) < 0 && rc == 0 ? errno : rc;
}

/* ---- what is changed ---- */

static bool
names_lan(const char *lan)
{
	size_t i;

	for (i = 0; i < conf.n_lans; i++)
		if (strcmp(conf.lans[i], lan) == 0)
			return true;
	return false;
}

/* The LANs that are named already, and @lan, for which there is room. */
static void
lan_list(const char *lan, char list[CONF_LANS_MAX * (IFNAMSIZ + 4) + 8])
{
	size_t i, n = 0;

	n += (size_t)sprintf(list + n, "{");
	for (i = 0; i < conf.n_lans; i++)
		n += (size_t)sprintf(list + n, "%s\"%s\"", i ? ", " : "", conf.lans[i]);
	if (!names_lan(lan))
		n += (size_t)sprintf(list + n, "%s\"%s\"", conf.n_lans ? ", " : "", lan);
	sprintf(list + n, "}");
}

/* @text with all that sharing takes; frees @text. NULL: no memory. */
static char *
edit(char *text, const char *wan, const char *lan)
{
	char list[CONF_LANS_MAX * (IFNAMSIZ + 4) + 8], quoted[IFNAMSIZ + 4];
	const struct {
		const char *key, *value;
	} keys[] = { { "wan", quoted }, { "lan", list }, { "share", "yes" } };
	char *next;
	size_t i;

	snprintf(quoted, sizeof(quoted), "\"%s\"", wan);
	lan_list(lan, list);
	for (i = 0; text && i < sizeof(keys) / sizeof(keys[0]); i++) {
		next = conf_edit_set(text, keys[i].key, keys[i].value);
		free(text);
		text = next;
	}
	return text;
}

/* Written only if the daemon would take it. @changed: it was not so already. */
static enum ctl_exit
change_file(struct ctl *ctl, const char *path, bool *changed)
{
	char fresh[PATH_MAX + 8];
	char *old = slurp(path), *text;
	enum ctl_exit rc = CTL_OK;
	int error;

	if (!old)
		return fail(ctl, path, errno);
	if (conf.n_lans == CONF_LANS_MAX && !names_lan(ctl->words[1])) {
		free(old);
		ctl->writer->error(ctl->writer, "too-many-lans",
		    "the configuration names as many LANs as it can: take one out of \"lan\"");
		return CTL_REFUSED;
	}
	text = strdup(old);
	text = text ? edit(text, ctl->words[0], ctl->words[1]) : NULL;
	*changed = text && strcmp(text, old) != 0;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	error = text ? *changed ? write_fresh(path, fresh, text) : 0 : ENOMEM;
	free(old);
	free(text);
	if (error)
		return fail(ctl, fresh, error);
	if (!*changed)
		return CTL_OK;
	if (conf_load(&conf, fresh, NULL, stderr) < 0)
		rc = CTL_REFUSED; /* it has said why */
	else if (rename(fresh, path) < 0)
		rc = fail(ctl, path, errno);
	if (rc != CTL_OK)
		unlink(fresh);
	return rc;
}

/* ---- the daemon ---- */

/* What the status says of @lan, by @key; NULL: nothing. */
static const char *
of_lan(json_t *status, const char *lan, const char *key)
{
	json_t *lans = json_object_get(status, "lans"), *one;
	const char *name;
	size_t i;

	for (i = 0; i < json_array_size(lans); i++) {
		one = json_array_get(lans, i);
		name = writer_text_of(one, "interface");
		if (name && strcmp(name, lan) == 0)
			return json_string_value(json_object_get(one, key));
	}
	return NULL;
}

static const char *
say_daemon(json_t *status, const char *lan, bool other_dhcp)
{
	const char *nat = of_lan(status, lan, "nat"), *dhcp = of_lan(status, lan, "dhcp");

	if (!nat || strcmp(nat, "off") == 0)
		return "portreeved was started with other options or another file: start it again "
		       "without them.";
	if (strcmp(nat, "others") == 0)
		return "Another ruleset translates for the LAN already; portreeved leaves that to "
		       "it.";
	if (other_dhcp || (dhcp && strcmp(dhcp, "other") == 0))
		return "Another DHCP server is on the LAN already; portreeved leaves that to it.";
	if (dhcp && strcmp(dhcp, "looking") == 0)
		return "portreeved shares the connection, and will serve DHCP in a moment.";
	return "portreeved shares the connection.";
}

/* A link may come later; a name may also be mistyped. */
static const char *
say_missing(const struct ctl *ctl, char buf[128])
{
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < 2 && !buf[0]; i++)
		if (!if_nametoindex(ctl->words[i]))
			snprintf(buf, 128,
			    "\nThere is no interface %s at present: portreeved waits for it.",
			    ctl->words[i]);
	return buf;
}

static enum ctl_exit
tell_daemon(struct ctl *ctl, const char *path, bool changed, bool other_dhcp)
{
	json_t *answer = NULL, *status = NULL;
	char text[PATH_MAX + 640], missing[128];
	const char *next =
	    other_dhcp
		? "Another DHCP server is on the LAN already; portreeved will leave that to it.\n"
		  "portreeved does not run: start it, for instance by \"systemctl start "
		  "portreeve\"."
		: "portreeved does not run: start it, for instance by \"systemctl start "
		  "portreeve\".";
	enum ctl_exit rc = CTL_OK;

	ctl->client = client_open(ctl->socket);
	if (ctl->client) {
		rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "reload"), &answer);
		if (rc == CTL_OK)
			rc = ctl_ask(ctl, json_pack("{s:s}", "verb", "status"), &status);
		if (rc == CTL_OK)
			next = say_daemon(status, ctl->words[1], other_dhcp);
	}
	json_decref(answer);
	if (rc == CTL_OK) {
		snprintf(text, sizeof(text), "%s %s sharing %s with %s.\n%s%s", path,
		    changed ? "now says" : "says already:", ctl->words[0], ctl->words[1], next,
		    say_missing(ctl, missing));
		answer =
		    json_pack("{s:s, s:b, s:b, s:s?, s:s?}", "config", path, "changed", changed,
			"running", ctl->client != NULL, "nat", of_lan(status, ctl->words[1], "nat"),
			"dhcp", of_lan(status, ctl->words[1], "dhcp"));
		ctl->writer->done(ctl->writer, answer, text);
		json_decref(answer);
	}
	json_decref(status);
	return rc;
}

/* ---- others ---- */

/*
 * Does another DHCP server answer on the LAN? Asked by portreeve-dhcp, which has no other rights by
 * then. Not where our own dnsmasq serves already, nor where there is nothing to ask.
 */
static bool
has_other_dhcp(struct ctl *ctl)
{
	char *const argv[] = { (char[]){ "portreeve-dhcp" }, (char[]){ "--check" }, ctl->words[1],
		NULL };
	char *const env[] = { NULL };
	struct client *client = client_open(ctl->socket);
	json_t *status = NULL, *request = json_pack("{s:s}", "verb", "status");
	const char *ours;
	bool served;
	int how = 0;
	pid_t pid;

	if (client && client_send(client, request) == 0)
		status = client_read(client);
	ours = of_lan(status, ctl->words[1], "dhcp");
	served = ours && strcmp(ours, "served") == 0;
	json_decref(status);
	json_decref(request);
	client_close(client);
	if (served || !if_nametoindex(ctl->words[1]) ||
	    posix_spawn(&pid, PKGLIBEXECDIR "/portreeve-dhcp", NULL, NULL, argv, env) != 0)
		return false;
	while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(how) && WEXITSTATUS(how) >= EXITS_TAKEN &&
	       WEXITSTATUS(how) < EXITS_ANSWERS + EXITS_LANS;
}

/* ---- the verb ---- */

/* What is wrong already is not ours to write over: it is told. */
static enum ctl_exit
check_file(struct ctl *ctl, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);
	int rc;

	if (!errors)
		return fail(ctl, path, errno);
	rc = conf_load(&conf, access(path, F_OK) == 0 ? path : "/dev/null", NULL, errors);
	fclose(errors);
	if (rc < 0)
		ctl->writer->error(ctl->writer, "bad-configuration", text);
	free(text);
	return rc < 0 ? CTL_REFUSED : CTL_OK;
}

/* As the configuration has it; here, since it goes into a file. */
static bool
is_name(const char *word)
{
	return *word && strlen(word) < IFNAMSIZ && !word[strcspn(word, " \t\r\n/:\"\\$'{}#,=")];
}

enum ctl_exit
share_run(struct ctl *ctl)
{
	const char *path = ctl->config ? ctl->config : CONF_PATH;
	char full[PATH_MAX];
	bool changed, other_dhcp;
	enum ctl_exit rc;

	if (!is_name(ctl->words[0]) || !is_name(ctl->words[1]))
		return ctl_usage("\"%s\" cannot be the name of an interface",
		    ctl->words[is_name(ctl->words[0])]);
	if (strcmp(ctl->words[0], ctl->words[1]) == 0)
		return ctl_usage("the WAN cannot be the LAN: name two interfaces");
	if (geteuid() != 0) {
		ctl->writer->error(
		    ctl->writer, "not-permitted", "only root may write the configuration");
		return CTL_REFUSED;
	}
	make_folder(path);
	if (realpath(path, full)) /* a link stays a link */
		path = full;
	rc = check_file(ctl, path);
	if (rc != CTL_OK)
		return rc;
	other_dhcp = has_other_dhcp(ctl);
	rc = change_file(ctl, path, &changed);
	return rc == CTL_OK ? tell_daemon(ctl, path, changed, other_dhcp) : rc;
}
