/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "kernel/nft_udata.h"

void
nft_table_put(struct nlmsghdr *nlh, const char *table, uint32_t flags)
{
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(flags));
}

void
nft_table_put_comment(struct nlmsghdr *nlh)
{
	static const char text[] = "port mappings, kept by portreeved";
	uint8_t udata[NFT_UDATA_MAX];

	mnl_attr_put(nlh, NFTA_TABLE_USERDATA,
	    nft_udata_put(udata, 0, NFT_UDATA_COMMENT, text, sizeof(text)), udata);
}

int
nft_table_put_chain(struct nlmsghdr *nlh, const char *table, enum nft_chain_id id)
{
	const struct nft_chain_spec *spec = &nft_chains[id];
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, spec->name);
	if (spec->type) {
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, spec->type);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, spec->hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, spec->priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nftnl_chain_nlmsg_build_payload(nlh, chain);
	nftnl_chain_free(chain);
	return 0;
}

int
nft_table_put_helper(struct nlmsghdr *nlh, const char *table, enum nft_helper_id id)
{
	const struct nft_helper_spec *spec = &nft_helpers[id];
	struct nftnl_obj *obj = nftnl_obj_alloc();

	if (!obj)
		return -ENOMEM;
	nftnl_obj_set_str(obj, NFTNL_OBJ_TABLE, table);
	nftnl_obj_set_str(obj, NFTNL_OBJ_NAME, spec->name);
	nftnl_obj_set_u32(obj, NFTNL_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
	nftnl_obj_set_str(obj, NFTNL_OBJ_CT_HELPER_NAME, spec->type);
	nftnl_obj_set_u8(obj, NFTNL_OBJ_CT_HELPER_L4PROTO, spec->protocol);
	nftnl_obj_nlmsg_build_payload(nlh, obj);
	nftnl_obj_free(obj);
	return 0;
}
