#include "nftables.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>

void nft_begin(struct netlink *to, const char *name, uint16_t type, uint16_t flags)
{
    struct nfgenmsg body = {.nfgen_family = to->family != 0 ? to->family : NFPROTO_INET, .version = NFNETLINK_V0};
    netlink_begin(to, name, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &body, sizeof body);
}

void nft_border(struct netlink *to, uint16_t type)
{
    struct nfgenmsg body = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    netlink_begin(to, "nftables", type, 0, &body, sizeof body);
}

static void hooked(struct netlink *to, uint32_t hook, int32_t priority, const char *device)
{
    size_t nest = netlink_nest(to, NFTA_CHAIN_HOOK);
    netlink_put_u32(to, NFTA_HOOK_HOOKNUM, htonl(hook));
    netlink_put_u32(to, NFTA_HOOK_PRIORITY, htonl((uint32_t)priority));
    if (device != NULL)
        netlink_put_text(to, NFTA_HOOK_DEV, device);
    netlink_end(to, nest);
    netlink_put_text(to, NFTA_CHAIN_TYPE, "filter");
}

void nft_chain(struct netlink *to, const char *name, bool base, uint32_t hook, int32_t priority)
{
    nft_begin(to, "nftables chain", NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    netlink_put_text(to, NFTA_CHAIN_TABLE, TABLE);
    netlink_put_text(to, NFTA_CHAIN_NAME, name);
    if (base)
        hooked(to, hook, priority, NULL);
}

void nft_ingress(struct netlink *to, const char *name, const char *device)
{
    nft_chain(to, name, false, 0, 0);
    hooked(to, NF_NETDEV_INGRESS, 0, device);
}

bool nft_ask(int kernel, struct netlink *messages, struct netlink_answers *answers)
{
    ((struct nlmsghdr *)(void *)(messages->bytes + messages->message))->nlmsg_flags |= NLM_F_ACK;
    uint32_t said = messages->count;
    nft_border(messages, NFNL_MSG_BATCH_END);
    messages->count = said; /* the end gets no answer; the last one before it does */
    return netlink_ask(kernel, messages, answers);
}

struct nft_rule nft_rule(struct netlink *to, const char *chain_name, const char *name)
{
    nft_begin(to, name, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    netlink_put_text(to, NFTA_RULE_TABLE, TABLE);
    netlink_put_text(to, NFTA_RULE_CHAIN, chain_name);
    return (struct nft_rule){.to = to, .expressions = netlink_nest(to, NFTA_RULE_EXPRESSIONS)};
}

void nft_rule_end(const struct nft_rule *rule)
{
    netlink_end(rule->to, rule->expressions);
}

struct nft_expression nft_expression(struct netlink *to, const char *name)
{
    struct nft_expression made = {.element = netlink_nest(to, NFTA_LIST_ELEM)};
    netlink_put_text(to, NFTA_EXPR_NAME, name);
    made.data = netlink_nest(to, NFTA_EXPR_DATA);
    return made;
}

void nft_expressed(struct netlink *to, struct nft_expression made)
{
    netlink_end(to, made.data);
    netlink_end(to, made.element);
}

void nft_value(struct netlink *to, uint16_t type, const void *bytes, size_t size)
{
    size_t nest = netlink_nest(to, type);
    netlink_put(to, NFTA_DATA_VALUE, bytes, size);
    netlink_end(to, nest);
}

void nft_compare(struct netlink *to, uint32_t how, const void *bytes, size_t size)
{
    struct nft_expression made = nft_expression(to, "cmp");
    netlink_put_u32(to, NFTA_CMP_SREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_CMP_OP, htonl(how));
    nft_value(to, NFTA_CMP_DATA, bytes, size);
    nft_expressed(to, made);
}

void nft_meta(struct netlink *to, uint32_t key, uint8_t wanted)
{
    struct nft_expression made = nft_expression(to, "meta");
    netlink_put_u32(to, NFTA_META_DREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_META_KEY, htonl(key));
    nft_expressed(to, made);
    nft_compare(to, NFT_CMP_EQ, &wanted, sizeof wanted);
}

void nft_load(struct netlink *to, uint32_t base, uint32_t offset, uint32_t size)
{
    struct nft_expression made = nft_expression(to, "payload");
    netlink_put_u32(to, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_PAYLOAD_BASE, htonl(base));
    netlink_put_u32(to, NFTA_PAYLOAD_OFFSET, htonl(offset));
    netlink_put_u32(to, NFTA_PAYLOAD_LEN, htonl(size));
    nft_expressed(to, made);
}

void nft_mask(struct netlink *to, uint8_t bits)
{
    const uint8_t none = 0;
    struct nft_expression made = nft_expression(to, "bitwise");
    netlink_put_u32(to, NFTA_BITWISE_SREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_BITWISE_DREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_BITWISE_LEN, htonl(sizeof bits));
    nft_value(to, NFTA_BITWISE_MASK, &bits, sizeof bits);
    nft_value(to, NFTA_BITWISE_XOR, &none, sizeof none);
    nft_expressed(to, made);
}

void nft_verdict(struct netlink *to, int32_t code, const char *chain_name)
{
    struct nft_expression made = nft_expression(to, "immediate");
    netlink_put_u32(to, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
    size_t data = netlink_nest(to, NFTA_IMMEDIATE_DATA), nest = netlink_nest(to, NFTA_DATA_VERDICT);
    netlink_put_u32(to, NFTA_VERDICT_CODE, htonl((uint32_t)code));
    if (chain_name != NULL)
        netlink_put_text(to, NFTA_VERDICT_CHAIN, chain_name);
    netlink_end(to, nest);
    netlink_end(to, data);
    nft_expressed(to, made);
}

void nft_reject(struct netlink *to, uint32_t type, uint8_t code)
{
    struct nft_expression made = nft_expression(to, "reject");
    netlink_put_u32(to, NFTA_REJECT_TYPE, htonl(type));
    netlink_put(to, NFTA_REJECT_ICMP_CODE, &code, sizeof code);
    nft_expressed(to, made);
}

void nft_bytes_are(struct netlink *to, uint32_t base, uint32_t offset, const void *bytes, uint32_t size)
{
    nft_load(to, base, offset, size);
    nft_compare(to, NFT_CMP_EQ, bytes, size);
}
