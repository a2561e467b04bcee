/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LANHostConfigManagement:1, read side only: to set a network's DNS server by UPnP is a way into
 * it. WANEthernetLinkConfig:1: is there a carrier.
 */
#include "worker/upnp/service.h"

#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/compiler.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_LINE 256
#define LIST_MAX 256 /* octets of an answer */

/* ---- LANHostConfigManagement ----------------------------------------------------------------- */

/* Who gives addresses to the hosts is not for us to know, and not for them to change. */
static enum result
get_dhcp_server_configurable(struct call *call)
{
	answer_number(&call->answer, "NewDHCPServerConfigurable", 0);
	return RESULT_OK;
}

static enum result
get_dhcp_relay(struct call *call)
{
	answer_number(&call->answer, "NewDHCPRelay", 0);
	return RESULT_OK;
}

static enum result
get_subnet_mask(struct call *call)
{
	answer_addr(&call->answer, "NewSubnetMask", prefix4_mask(call->lan.len));
	return RESULT_OK;
}

static enum result
get_ip_routers_list(struct call *call)
{
	answer_addr(&call->answer, "NewIPRouters", call->lan.addr);
	return RESULT_OK;
}

/* Appends @word to the comma separated @list, if there is room. */
static void
append(char list[LIST_MAX], const char *word)
{
	size_t len = strlen(list);

	if (len + strlen(word) + 2 <= LIST_MAX)
		snprintf(list + len, LIST_MAX - len, "%s%s", len ? "," : "", word);
}

/* A server at a loopback address serves the gateway alone. */
static bool
is_server_of_all(const char *text)
{
	uint32_t addr;

	return addr4_parse(text, &addr) == 0 && addr4_kind(addr) != ADDR4_LOOPBACK &&
	       addr4_kind(addr) != ADDR4_SPECIAL;
}

/* resolv.conf(5): what the gateway itself asks. Nothing there: nothing to tell. */
static void
read_resolver(char servers[LIST_MAX], char domain[LIST_MAX])
{
	char line[RESOLV_LINE], word[RESOLV_LINE];
	FILE *f = fopen(RESOLV_CONF, "re");

	servers[0] = domain[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nameserver %255s", word) == 1 && is_server_of_all(word))
			append(servers, word);
		else if ((sscanf(line, "domain %255s", word) == 1 ||
			     sscanf(line, "search %255s", word) == 1) &&
			 strlen(word) < LIST_MAX)
			strcpy(domain, word);
	}
	if (f)
		fclose(f);
}

static enum result
get_dns_servers(struct call *call)
{
	char servers[LIST_MAX], domain[LIST_MAX];

	read_resolver(servers, domain);
	answer_text(&call->answer, "NewDNSServers", servers);
	return RESULT_OK;
}

static enum result
get_domain_name(struct call *call)
{
	char servers[LIST_MAX], domain[LIST_MAX];

	read_resolver(servers, domain);
	answer_text(&call->answer, "NewDomainName", domain);
	return RESULT_OK;
}

static enum result
get_address_range(struct call *call)
{
	answer_text(&call->answer, "NewMinAddress", "");
	answer_text(&call->answer, "NewMaxAddress", "");
	return RESULT_OK;
}

static enum result
get_reserved_addresses(struct call *call)
{
	answer_text(&call->answer, "NewReservedAddresses", "");
	return RESULT_OK;
}

static const struct service_action lan_actions[] = {
	{ "GetDHCPServerConfigurable", get_dhcp_server_configurable },
	{ "GetDHCPRelay", get_dhcp_relay },
	{ "GetSubnetMask", get_subnet_mask },
	{ "GetIPRoutersList", get_ip_routers_list },
	{ "GetDNSServers", get_dns_servers },
	{ "GetDomainName", get_domain_name },
	{ "GetAddressRange", get_address_range },
	{ "GetReservedAddresses", get_reserved_addresses },
	{ NULL, NULL },
};

static const struct service_event no_events[] = { { NULL, NULL } };

const struct service service_lanhost = {
	.key = "lanhost",
	.type = "urn:schemas-upnp-org:service:LANHostConfigManagement",
	.version = 1,
	.id = "urn:upnp-org:serviceId:LANHostCfg1",
	.document = "lanhost.xml",
	.path = "lanhost",
	.device = DESC_LAN,
	.views = DESC_VIEW_2,
	.actions = lan_actions,
	.events = no_events,
};

/* ---- WANEthernetLinkConfig ------------------------------------------------------------------- */

static enum result
get_ethernet_link_status(struct call *call)
{
	struct msg_state state;
	enum result result = call_state(call, &state);

	if (result == RESULT_OK)
		answer_text(&call->answer, "NewEthernetLinkStatus", state.link_up ? "Up" : "Down");
	return result;
}

static void
ethernet_link_status(const struct desc_names *names UNUSED, const struct msg_state *state,
    char text[SERVICE_VALUE_MAX])
{
	strcpy(text, state->link_up ? "Up" : "Down");
}

static const struct service_action link_actions[] = {
	{ "GetEthernetLinkStatus", get_ethernet_link_status },
	{ NULL, NULL },
};

static const struct service_event link_events[] = {
	{ "EthernetLinkStatus", ethernet_link_status },
	{ NULL, NULL },
};

const struct service service_wanethlink = {
	.key = "wanethlink",
	.type = "urn:schemas-upnp-org:service:WANEthernetLinkConfig",
	.version = 1,
	.id = "urn:upnp-org:serviceId:WANEthLinkC1",
	.document = "wanethlink.xml",
	.path = "wanethlink",
	.device = DESC_CONNECTION,
	.views = DESC_VIEW_2,
	.link = SERVICE_ANY_LINK,
	.actions = link_actions,
	.events = link_events,
};
