/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/conf_finding.h"

#include <stddef.h>

const char *const conf_finding_words[CONF_FINDING_COUNT + 1] = {
	[CONF_FINDING_NONE] = "",
	[CONF_FINDING_MANAGEMENT_PORT] = "management-port",
	[CONF_FINDING_WEB_PORT] = "web-port",
	[CONF_FINDING_OTHER_HOST] = "other-host",
	[CONF_FINDING_PERMANENT_LEASE] = "permanent-lease",
	[CONF_FINDING_MANY_PORTS] = "many-ports",
	[CONF_FINDING_UNUSED] = "unused",
	[CONF_FINDING_HOST_GONE] = "host-gone",
	[CONF_FINDING_LOW_PORT] = "low-port",
	[CONF_FINDING_SECURE_OFF] = "secure-off",
	[CONF_FINDING_FOREIGN_DROP] = "foreign-drop",
	[CONF_FINDING_TABLE_CHANGED] = "table-changed",
	[CONF_FINDING_TABLE_MISSING] = "table-missing",
	[CONF_FINDING_FORWARDING_OFF] = "forwarding-off",
	[CONF_FINDING_DOUBLE_NAT] = "double-nat",
	[CONF_FINDING_WORKER_RESTARTS] = "worker-restarts",
	[CONF_FINDING_CORE_CRASH] = "core-crash",
	[CONF_FINDING_CLOCK_JUMP] = "clock-jump",
	[CONF_FINDING_STORE_SET_ASIDE] = "store-set-aside",
	[CONF_FINDING_STORE_UNWRITABLE] = "store-unwritable",
	[CONF_FINDING_TRAIL_LOST] = "trail-lost",
	[CONF_FINDING_COUNT] = NULL,
};
