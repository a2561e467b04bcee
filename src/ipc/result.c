/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row for each outcome: what UPnP calls it and what our logs call it. */
#include "ipc/result.h"

#include <stddef.h>

static const struct {
	int upnp;
	const char *text; /* as the standard spells it, blanks or not */
	const char *word;
} results[RESULT_COUNT] = {
	[RESULT_OK] = { 0, "OK", "ok" },
	/* UDA 1.1, table 3-3 */
	[RESULT_INVALID_ACTION] = { 401, "Invalid Action", "invalid-action" },
	[RESULT_INVALID_ARGS] = { 402, "Invalid Args", "invalid-args" },
	[RESULT_INVALID_VAR] = { 404, "Invalid Var", "invalid-var" },
	[RESULT_FAILED] = { 501, "Action Failed", "failed" },
	[RESULT_OUT_OF_RANGE] = { 601, "Argument Value Out of Range", "out-of-range" },
	[RESULT_TOO_LONG] = { 605, "String Argument Too Long", "too-long" },
	[RESULT_NOT_AUTHORIZED] = { 606, "Action not authorized", "not-authorized" },
	/* WANIPConnection:2 2.4.18 */
	[RESULT_CONNECTION_ACTIVE] = { 703, "InactiveConnectionStateRequired",
	    "connection-active" },
	[RESULT_SETUP_FAILED] = { 704, "ConnectionSetupFailed", "setup-failed" },
	[RESULT_SETUP_IN_PROGRESS] = { 705, "ConnectionSetupInProgress", "setup-in-progress" },
	[RESULT_NOT_CONFIGURED] = { 706, "ConnectionNotConfigured", "not-configured" },
	[RESULT_DISCONNECTING] = { 707, "DisconnectInProgress", "disconnecting" },
	[RESULT_INTERNET_DISABLED] = { 709, "InternetAccessDisabled", "internet-disabled" },
	[RESULT_INVALID_TYPE] = { 710, "InvalidConnectionType", "invalid-connection-type" },
	[RESULT_ALREADY_TERMINATED] = { 711, "ConnectionAlreadyTerminated", "already-terminated" },
	[RESULT_NO_SUCH_INDEX] = { 713, "SpecifiedArrayIndexInvalid", "no-such-index" },
	[RESULT_NO_SUCH_ENTRY] = { 714, "NoSuchEntryInArray", "no-such-entry" },
	[RESULT_WILDCARD_CLIENT] = { 715, "WildCardNotPermittedInSrcIP", "wildcard-client" },
	[RESULT_WILDCARD_EXT_PORT] = { 716, "WildCardNotPermittedInExtPort",
	    "wildcard-external-port" },
	[RESULT_CONFLICT] = { 718, "ConflictInMappingEntry", "conflict" },
	[RESULT_NO_RESOURCES] = { 728, "NoPortMapsAvailable", "no-resources" },
	[RESULT_OTHER_MECHANISM] = { 729, "ConflictWithOtherMechanisms", "other-mechanism" },
	[RESULT_NOT_FOUND] = { 730, "PortMappingNotFound", "not-found" },
	[RESULT_READ_ONLY] = { 731, "ReadOnly", "read-only" },
	[RESULT_WILDCARD_INT_PORT] = { 732, "WildCardNotPermittedInIntPort",
	    "wildcard-internal-port" },
	[RESULT_INCONSISTENT] = { 733, "InconsistentParameters", "inconsistent" },
	/* Layer3Forwarding:1 2.4.3 */
	[RESULT_INVALID_DEVICE] = { 720, "InvalidDeviceUUID", "invalid-device" },
	[RESULT_INVALID_SERVICE] = { 721, "InvalidServiceID", "invalid-service" },
	[RESULT_INVALID_SELECTION] = { 723, "InvalidConnServiceSelection", "invalid-selection" },
	/* WANIPv6FirewallControl:1 2.4.9 */
	[RESULT_NO_PINHOLES_LEFT] = { 701, "PinholeSpaceExhausted", "no-pinholes-left" },
	[RESULT_FIREWALL_DISABLED] = { 702, "FirewallDisabled", "firewall-disabled" },
	[RESULT_PINHOLES_FORBIDDEN] = { 703, "InboundPinholeNotAllowed", "pinholes-forbidden" },
	[RESULT_NO_SUCH_PINHOLE] = { 704, "NoSuchEntry", "no-such-pinhole" },
	[RESULT_PROTOCOL_UNSUPPORTED] = { 705, "ProtocolNotSupported", "protocol-unsupported" },
	[RESULT_WILDCARD_PINHOLE_PORT] = { 706, "InternalPortWildcardingNotAllowed",
	    "wildcard-pinhole-port" },
	[RESULT_WILDCARD_PROTOCOL] = { 707, "ProtocolWildcardingNotAllowed", "wildcard-protocol" },
	[RESULT_WILDCARD_PINHOLE_CLIENT] = { 708, "WildCardNotPermittedInSrcIP",
	    "wildcard-pinhole-client" },
	[RESULT_NO_TRAFFIC] = { 709, "NoTrafficReceived", "no-traffic" },
};

/* A number from outside the table is our own failure, as far as a client can tell. */
static enum result
known(enum result result)
{
	return (unsigned)result < RESULT_COUNT ? result : RESULT_FAILED;
}

int
result_upnp_code(enum result result)
{
	return results[known(result)].upnp;
}

const char *
result_upnp_text(enum result result)
{
	return results[known(result)].text;
}

const char *
result_str(enum result result)
{
	return results[known(result)].word;
}
