# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# /etc/config/portreeve (UCI) to portreeve.conf(5), for the init script of OpenWrt. Needs the
# functions of /lib/functions.sh after "config_load portreeve".
#
# Which keys there are is asked of portreeved itself, so none is missing here. "wan" and "lan" may
# name networks of /etc/config/network; all else is taken as it is.

UCI_SECTION=gateway

# uci_value KEY VALUE YES_OR_NO: what stands in the file for it, in quotes. UCI has more words for
# yes and no than we; what is none of them stays, for portreeved to complain of.
uci_value()
{
	uci_text=$2
	case $1 in
	wan | lan)
		if command -v network_get_device >/dev/null && network_get_device uci_device "$2"; then
			# shellcheck disable=SC2154 # set by name
			uci_text=$uci_device
		fi
		;;
	esac
	if [ "$3" = yes ] || [ "$3" = no ]; then
		case $2 in
		1 | enabled) uci_text=yes ;;
		0 | disabled) uci_text=no ;;
		esac
	fi
	printf '"%s"' "$(printf '%s' "$uci_text" | sed 's/[\\"$]/\\&/g')"
}

# For config_list_foreach: one more item of the list $uci_list, gathered in $uci_items.
uci_item()
{
	[ -z "$1" ] || uci_items="${uci_items:+$uci_items, }$(uci_value "$uci_list" "$1" "")"
}

# uci_key KEY DEFAULT: its line, where the section has it. DEFAULT as --print-config prints it.
uci_key()
{
	case $2 in
	"{"*)
		uci_list=$1
		uci_items=
		config_list_foreach "$UCI_SECTION" "$1" uci_item
		[ -z "$uci_items" ] || printf '%s = {%s}\n' "$1" "$uci_items"
		;;
	*)
		config_get uci_given "$UCI_SECTION" "$1"
		[ -z "$uci_given" ] || printf '%s = %s\n' "$1" "$(uci_value "$1" "$uci_given" "$2")"
		;;
	esac
}

# uci_to_conf PROGRAM: the file's text on standard output.
uci_to_conf()
{
	echo "# made from /etc/config/portreeve at each start; changes here are lost"
	"$1" -c /dev/null --print-config | sed -n 's/^\([a-z0-9_]*\) = \(.*\)$/\1 \2/p' |
		while read -r uci_name uci_default; do
			uci_key "$uci_name" "$uci_default"
		done
}

# Is the service on?
uci_enabled()
{
	config_get_bool uci_on "$UCI_SECTION" enabled 0
	# shellcheck disable=SC2154 # config_get_bool sets it
	[ "$uci_on" = 1 ]
}
