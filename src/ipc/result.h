/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every outcome a client can be told, and what each protocol calls it.
 *
 * The core answers with an enum result; only the worker that speaks a protocol turns it into that
 * protocol's number.
 */
#ifndef PORTREEVE_IPC_RESULT_H
#define PORTREEVE_IPC_RESULT_H

enum result {
	RESULT_OK,
	RESULT_INVALID_ACTION,     /* 401 */
	RESULT_INVALID_ARGS,       /* 402 */
	RESULT_INVALID_VAR,        /* 404, QueryStateVariable */
	RESULT_FAILED,             /* 501: our failure: kernel, disk, channel */
	RESULT_OUT_OF_RANGE,       /* 601 */
	RESULT_TOO_LONG,           /* 605 */
	RESULT_NOT_AUTHORIZED,     /* 606: policy */
	RESULT_CONNECTION_ACTIVE,  /* 703: SetConnectionType while connected */
	RESULT_SETUP_FAILED,       /* 704, RequestConnection: there is no way to connect */
	RESULT_SETUP_IN_PROGRESS,  /* 705, RequestConnection */
	RESULT_NOT_CONFIGURED,     /* 706: there is no WAN */
	RESULT_DISCONNECTING,      /* 707 */
	RESULT_INTERNET_DISABLED,  /* 709 */
	RESULT_INVALID_TYPE,       /* 710: not IP_Routed */
	RESULT_ALREADY_TERMINATED, /* 711 */
	RESULT_NO_SUCH_INDEX,      /* 713 */
	RESULT_NO_SUCH_ENTRY,      /* 714 */
	RESULT_WILDCARD_CLIENT,    /* 715 */
	RESULT_WILDCARD_EXT_PORT,  /* 716 */
	RESULT_CONFLICT,           /* 718: another client's */
	RESULT_NO_RESOURCES,       /* 728: table full, or the client's share of it */
	RESULT_OTHER_MECHANISM,    /* 729: the gateway's own port, or the administrator's */
	RESULT_NOT_FOUND, /* 730: nothing in the range, or nothing that the client may see */
	RESULT_READ_ONLY, /* 731 */
	RESULT_WILDCARD_INT_PORT, /* 732 */
	RESULT_INCONSISTENT,      /* 733: a range that ends before it begins */
	RESULT_INVALID_DEVICE,    /* 720, Layer3Forwarding */
	RESULT_INVALID_SERVICE,   /* 721, Layer3Forwarding */
	RESULT_INVALID_SELECTION, /* 723, Layer3Forwarding */
	/* WANIPv6FirewallControl:1 2.4.9; its numbers are others than WANIPConnection's */
	RESULT_NO_PINHOLES_LEFT,        /* 701: table full, or the client's share of it */
	RESULT_FIREWALL_DISABLED,       /* 702: nothing is filtered */
	RESULT_PINHOLES_FORBIDDEN,      /* 703 */
	RESULT_NO_SUCH_PINHOLE,         /* 704 */
	RESULT_PROTOCOL_UNSUPPORTED,    /* 705 */
	RESULT_WILDCARD_PINHOLE_PORT,   /* 706 */
	RESULT_WILDCARD_PROTOCOL,       /* 707 */
	RESULT_WILDCARD_PINHOLE_CLIENT, /* 708 */
	RESULT_NO_TRAFFIC,              /* 709: CheckPinholeWorking cannot tell yet */
	RESULT_COUNT
};

/* The UPnP errorCode; 0 for RESULT_OK. (UDA 3.2.2, WANIPConnection:2 2.4.18) */
int result_upnp_code(enum result result);

/* The errorDescription that the standard gives, e.g. "ConflictInMappingEntry". */
const char *result_upnp_text(enum result result);

/* A stable lower-case word for logs and JSON: "ok", "conflict", "not-authorized", ... */
const char *result_str(enum result result);

#endif
