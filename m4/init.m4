dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl PORTREEVE_INIT: which systems that start daemons get a script, and where units go. Without an
dnl option those that are found here; nothing is found when cross-compiling.

dnl PORTREEVE_INIT_ENABLE(NAME, OPTION, WHAT, TEST): adds NAME to INIT_SYSTEMS
AC_DEFUN([PORTREEVE_INIT_ENABLE], [
	AC_ARG_ENABLE([$2], [AS_HELP_STRING([--enable-$2], [install $3 (default: where it is found)])],
		[], [AS_IF([test "$cross_compiling" != yes && { $4; }],
			[enable_$2=yes], [enable_$2=no])])
	AS_IF([test "$enable_$2" = yes], [INIT_SYSTEMS="$INIT_SYSTEMS $1"])
])

AC_DEFUN([PORTREEVE_INIT], [
	INIT_SYSTEMS=

	dnl A prefix of one's own keeps everything below it.
	AC_ARG_WITH([systemdsystemunitdir],
		[AS_HELP_STRING([--with-systemdsystemunitdir=DIR],
			[where the unit goes; no: none (default: where systemd is found)])],
		[], [AS_IF([test "$cross_compiling" != yes && command -v systemctl >/dev/null],
			[with_systemdsystemunitdir=yes], [with_systemdsystemunitdir=no])])
	AS_CASE([$with_systemdsystemunitdir],
		[no], [],
		[yes], [
			systemdsystemunitdir='${prefix}/lib/systemd/system'
			AS_CASE([$prefix], [/usr | /], [
				found=$($PKG_CONFIG --variable=systemdsystemunitdir systemd 2>/dev/null)
				systemdsystemunitdir=${found:-/lib/systemd/system}])],
		[systemdsystemunitdir=$with_systemdsystemunitdir])
	AS_IF([test "$with_systemdsystemunitdir" != no], [INIT_SYSTEMS=systemd])
	sysusersdir='${prefix}/lib/sysusers.d'
	AC_SUBST([systemdsystemunitdir])
	AC_SUBST([sysusersdir])

	PORTREEVE_INIT_ENABLE([openrc], [openrc], [the OpenRC script], [test -x /sbin/openrc-run])
	PORTREEVE_INIT_ENABLE([openwrt], [openwrt], [the procd script for OpenWrt], [test -x /sbin/procd])
	PORTREEVE_INIT_ENABLE([sysv], [sysv], [the SysV script],
		[test -z "$INIT_SYSTEMS" && test -r /lib/lsb/init-functions])
	AS_CASE(["$enable_openrc$enable_openwrt$enable_sysv"], [*yes*yes*],
		[AC_MSG_ERROR([the scripts of OpenRC, OpenWrt and SysV have the same place: enable one])])
	AC_MSG_NOTICE([init systems served: ${INIT_SYSTEMS:-none}])
	AC_SUBST([INIT_SYSTEMS])
])
