/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <netinet/in.h> /* before the headers of the kernel */
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "kernel/nft_elem.h"
#include "kernel/nft_set.h"
#include "message.h"

static const char *
hex(const void *data, size_t len)
{
	static char text[1024];
	const uint8_t *p = data;
	size_t i;

	text[0] = '\0';
	for (i = 0; i < len && i < 300; i++)
		sprintf(text + 2 * i, "%02x", p[i]);
	return text;
}

/* The attributes of @nlh as hexadecimal text. */
static const char *
hex_attrs(const struct nlmsghdr *nlh)
{
	return hex(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
	    mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg));
}

static const struct nft_mapping mapping = {
	.id = 7,
	.internal_client = 0xc0a8010a,
	.external_port = 8080,
	.internal_port = 80,
	.protocol = IPPROTO_TCP,
	.timeout_ms = 3600000,
};

static void
test_fields_of_keys_are_padded_to_4_octets(void)
{
	struct nft_mapping m = mapping;
	struct nft_elem elem;
	enum nft_set_id set;

	nft_elem_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_PM4);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_set_key_len(set)), "060000001f900000");
	CU_ASSERT_STRING_EQUAL(hex(elem.data, nft_set_data_len(set)), "c0a8010a00500000");

	m.remote_host = 0xcb007109;
	nft_elem_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_PM4R);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_set_key_len(set)), "cb007109060000001f900000");

	nft_elem_source(&m, &elem);
	CU_ASSERT_STRING_EQUAL(
	    hex(elem.key, nft_set_key_len(SET_SRC4)), "c0a8010a0600000000500000");
	CU_ASSERT_STRING_EQUAL(hex(elem.data, nft_set_data_len(SET_SRC4)), "1f90");

	nft_elem_open(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_OPEN4R);
	CU_ASSERT_STRING_EQUAL(
	    hex(elem.key, nft_set_key_len(set)), "cb007109c0a8010a0600000000500000");
	m.remote_host = 0;
	nft_elem_open(&m, &set, &elem);
	CU_ASSERT_EQUAL(set, SET_OPEN4);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_set_key_len(set)), "c0a8010a0600000000500000");

	nft_elem_mapped(&m, &elem);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_set_key_len(SET_MAPPED4)), "060000001f900000");

	nft_elem_ifname("eth0", &elem);
	CU_ASSERT_STRING_EQUAL(
	    hex(elem.key, nft_set_key_len(SET_WAN_IF)), "65746830000000000000000000000000");
	nft_elem_addr(0xcb007101, &elem);
	CU_ASSERT_STRING_EQUAL(hex(elem.key, nft_set_key_len(SET_WAN4)), "cb007101");
}

static void
test_a_kernel_element_outlives_its_lease_by_the_grace(void)
{
	struct nft_mapping m = mapping;
	struct nft_elem elem;
	enum nft_set_id set;

	nft_elem_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(elem.timeout_ms, 3600000 + NFT_GRACE_MS);
	m.timeout_ms = 0;
	nft_elem_map(&m, &set, &elem);
	CU_ASSERT_EQUAL(elem.timeout_ms, 0);
}

static void
test_an_element_is_encoded_as_the_kernel_reads_it(void)
{
	static const char wanted[] = "0600010074000000" /* table "t" */
				     "08000200706d3400" /* set "pm4" */
				     "48000380"         /* elements */
				     "44000180"         /* one of them */
				     "10000180"         /* key */
				     "0c000100060000001f900000"
				     "10000280" /* data */
				     "0c000100c0a8010a00500000"
				     "0c000400000000000037d8e0" /* 3660 s */
				     "11000600"                 /* userdata: */
				     "00056964203700"           /* "id 7" */
				     "700400000007"             /* 7 */
				     "000000";
	struct nlmsghdr *nlh = message();
	struct nft_elem elem;
	struct nlattr *list;
	enum nft_set_id set;

	nft_elem_map(&mapping, &set, &elem);
	list = nft_elem_list_begin(nlh, "t", set);
	nft_elem_put(nlh, set, &elem);
	nft_elem_list_end(nlh, list);
	CU_ASSERT_STRING_EQUAL(hex_attrs(nlh), wanted);
}

static void
test_an_element_comes_back_as_it_went(void)
{
	struct nlmsghdr *nlh = message();
	struct nft_elem elem, back;
	struct nlattr *list;
	enum nft_set_id set;

	nft_elem_map(&mapping, &set, &elem);
	list = nft_elem_list_begin(nlh, "t", set);
	nft_elem_put(nlh, set, &elem);
	nft_elem_list_end(nlh, list);

	CU_ASSERT_TRUE_FATAL(nft_elem_parse(mnl_attr_get_payload(list), set, &back));
	CU_ASSERT_EQUAL(memcmp(back.key, elem.key, sizeof(back.key)), 0);
	CU_ASSERT_EQUAL(memcmp(back.data, elem.data, sizeof(back.data)), 0);
	CU_ASSERT_EQUAL(back.id, 7);
	CU_ASSERT_EQUAL(back.packets, 0);
	CU_ASSERT_EQUAL(back.timeout_ms, 0); /* the kernel tells what remains, and we did not */
}

static void
test_an_element_made_anew_goes_on_counting(void)
{
	static const char counter[] = "2c000780" /* expression */
				      "0c000100636f756e74657200"
				      "1c000280"                 /* its data */
				      "0c00010000000000000005dc" /* octets */
				      "0c0002000000000000000003" /* packets */;
	struct nft_mapping m = mapping;
	struct nlmsghdr *nlh = message();
	struct nft_elem elem, back;
	struct nlattr *list;

	m.packets = 3;
	m.octets = 1500;
	nft_elem_mapped(&m, &elem);
	list = nft_elem_list_begin(nlh, "t", SET_MAPPED4);
	nft_elem_put(nlh, SET_MAPPED4, &elem);
	nft_elem_list_end(nlh, list);
	CU_ASSERT_PTR_NOT_NULL(strstr(hex_attrs(nlh), counter));
	CU_ASSERT_TRUE_FATAL(nft_elem_parse(mnl_attr_get_payload(list), SET_MAPPED4, &back));
	CU_ASSERT_EQUAL(back.packets, 3);
	CU_ASSERT_EQUAL(back.octets, 1500);
}

/* Longer than the room would be a write behind the message. */
static void
test_no_element_needs_more_than_its_room(void)
{
	const struct nft_pinhole p = { .id = UINT32_MAX,
		.remote_host = { { 1 } },
		.internal_client = { { 1 } },
		.remote_port = 1,
		.internal_port = 1,
		.protocol = 6,
		.timeout_ms = 1 };
	struct nlmsghdr *nlh = message();
	struct nft_elem elem;
	struct nlattr *list;
	enum nft_set_id set;
	size_t one;

	nft_elem_pinhole(&p, &set, &elem); /* the longest key */
	elem.packets = elem.octets = 1;
	list = nft_elem_list_begin(nlh, NFT_TABLE, set);
	nft_elem_put(nlh, set, &elem);
	one = nlh->nlmsg_len;
	nft_elem_put(nlh, set, &elem);
	nft_elem_list_end(nlh, list);
	CU_ASSERT(one <= NFT_ROOM_ELEM);
	CU_ASSERT(nlh->nlmsg_len - one <= NFT_ELEM_SIZE);
}

static void
test_elements_of_another_shape_are_refused(void)
{
	struct nlmsghdr *nlh = message();
	struct nft_elem elem, back;
	struct nlattr *list;
	enum nft_set_id set;

	nft_elem_map(&mapping, &set, &elem);
	list = nft_elem_list_begin(nlh, "t", set);
	nft_elem_put(nlh, set, &elem);
	nft_elem_list_end(nlh, list);
	CU_ASSERT_FALSE(nft_elem_parse(mnl_attr_get_payload(list), SET_PM4R, &back));
	CU_ASSERT_FALSE(nft_elem_parse(mnl_attr_get_payload(list), SET_SRC4, &back));

	nlh = message();
	list = nft_elem_list_begin(nlh, "t", set);
	nft_elem_put_key(nlh, set, &elem); /* no data */
	nft_elem_list_end(nlh, list);
	CU_ASSERT_FALSE(nft_elem_parse(mnl_attr_get_payload(list), set, &back));
}

static const struct unit_test tests[] = {
	UNIT_TEST(fields_of_keys_are_padded_to_4_octets),
	UNIT_TEST(a_kernel_element_outlives_its_lease_by_the_grace),
	UNIT_TEST(an_element_is_encoded_as_the_kernel_reads_it),
	UNIT_TEST(an_element_comes_back_as_it_went),
	UNIT_TEST(an_element_made_anew_goes_on_counting),
	UNIT_TEST(no_element_needs_more_than_its_room),
	UNIT_TEST(elements_of_another_shape_are_refused),
	UNIT_END,
};

int
main(void)
{
	return unit_run("nft_elem", tests);
}
