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

# uci_key SECTION KEY DEFAULT INDENT: its line, where the section has it. DEFAULT as --print-config
# prints it.
uci_key()
{
	case $3 in
	"{"*)
		uci_list=$2
		uci_items=
		config_list_foreach "$1" "$2" uci_item
		[ -z "$uci_items" ] || printf '%s%s = {%s}\n' "$4" "$2" "$uci_items"
		;;
	*)
		config_get uci_given "$1" "$2"
		[ -z "$uci_given" ] ||
			printf '%s%s = %s\n' "$4" "$2" "$(uci_value "$2" "$uci_given" "$3")"
		;;
	esac
}

# uci_keys_of KIND SECTION INDENT: the lines of one section; the kind of the file's own keys is "-".
uci_keys_of()
{
	printf '%s\n' "$uci_keys" | while read -r uci_kind uci_name uci_default; do
		[ "$uci_kind" != "$1" ] || uci_key "$2" "$uci_name" "$uci_default" "$3"
	done
}

# For config_foreach: a section of the kind $uci_section, such as a rule. Its title is the option
# "name", else how UCI calls it.
uci_titled()
{
	config_get uci_title "$1" name "$1"
	# shellcheck disable=SC2154 # config_get sets it
	printf '%s %s {\n' "$uci_section" "$(uci_value name "$uci_title" "")"
	uci_keys_of "$uci_section" "$1" "	"
	echo "}"
}

# What --print-config prints as lines "KIND KEY DEFAULT". Sections are described in comments.
uci_list_keys()
{
	awk '
	/^[a-z0-9_]+ = / { key = $1; sub(/^[^=]*= /, ""); print "-", key, $0; next }
	/^# Legal: .* of [a-z0-9_]+ "NAME" / { kind = $0; sub(/ "NAME" .*/, "", kind); sub(/.* /, "", kind) }
	/^#   [a-z0-9_]+$/ { key = $2 }
	/^#     Legal: / && key {
		value = /Legal: a list / ? "{}" : "" # of a key that must be given
		if (sub(/.* Default: /, ""))
			value = $0
		print kind, key, value
		key = ""
	}'
}

# uci_to_conf PROGRAM: the file's text on standard output.
uci_to_conf()
{
	echo "# made from /etc/config/portreeve at each start; changes here are lost"
	uci_keys=$("$1" -c /dev/null --print-config | uci_list_keys)
	uci_keys_of - "$UCI_SECTION" ""
	for uci_section in $(printf '%s\n' "$uci_keys" | sed -n 's/^\([a-z][a-z0-9_]*\) .*/\1/p' | uniq); do
		config_foreach uci_titled "$uci_section"
	done
}

# Is the service on?
uci_enabled()
{
	config_get_bool uci_on "$UCI_SECTION" enabled 0
	# shellcheck disable=SC2154 # config_get_bool sets it
	[ "$uci_on" = 1 ]
}
