dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl PORTREEVE_FLAGS: warnings, hardening and sanitizers, each kept only if the compiler takes it.

AC_DEFUN([PORTREEVE_TRY_CFLAG], [
	AC_MSG_CHECKING([whether $CC takes $1])
	saved_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror $1"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([])],
		[AC_MSG_RESULT([yes]); $2="$$2 $1"], [AC_MSG_RESULT([no])])
	CFLAGS=$saved_CFLAGS
])

AC_DEFUN([PORTREEVE_FLAGS], [
	for flag in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
		-Wformat=2; do
		PORTREEVE_TRY_CFLAG([$flag], [WARN_CFLAGS])
	done
	AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])

	AS_IF([test "$enable_sanitizers" = yes], [
		HARDEN_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
		HARDEN_LDFLAGS="-fsanitize=address,undefined"
		AC_DEFINE([WITH_SANITIZERS], [1], [ASan and UBSan are in force])
	], [test "$enable_hardening" != no], [
		for flag in -fstack-protector-strong -fstack-clash-protection -fcf-protection; do
			PORTREEVE_TRY_CFLAG([$flag], [HARDEN_CFLAGS])
		done
		HARDEN_CFLAGS="$HARDEN_CFLAGS -fPIE"
		HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
		HARDEN_LDFLAGS="-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack"
	])
	AS_IF([test "$enable_coverage" = yes], [
		HARDEN_CFLAGS="$HARDEN_CFLAGS --coverage"
		HARDEN_LDFLAGS="$HARDEN_LDFLAGS --coverage"
	])
	AC_SUBST([WARN_CFLAGS])
	AC_SUBST([HARDEN_CFLAGS])
	AC_SUBST([HARDEN_CPPFLAGS])
	AC_SUBST([HARDEN_LDFLAGS])
])
