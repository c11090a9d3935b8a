/* What rules of nftables are made of, as messages of a batch; rules.c says which. */
#ifndef GLOVEBOX_NFTABLES_H
#define GLOVEBOX_NFTABLES_H

#include "../common/netlink.h"

#include <netinet/in.h> /* before the kernel's, which knows of it and not the other way round */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#define TABLE "glovebox"

struct nft_rule {
    struct netlink *to;
    size_t expressions;
};

struct nft_expression {
    size_t element, data;
};

void nft_begin(struct netlink *to, const char *name, uint16_t type, uint16_t flags);
/* Where the batch begins or ends. */
void nft_border(struct netlink *to, uint16_t type);
/* `base`: the kernel sends packets through it at `hook`; else rules do. */
void nft_chain(struct netlink *to, const char *name, bool base, uint32_t hook, int32_t priority);
/* Of a table of the netdev family: every frame that arrives on a device comes through it before anything else looks at it. */
void nft_ingress(struct netlink *to, const char *name, const char *device);
/* Ends the batch and says it. False: nothing could be sent or heard, see errno. */
bool nft_ask(int kernel, struct netlink *messages, struct netlink_answers *answers);
/* Expressions follow, up to nft_rule_end. */
struct nft_rule nft_rule(struct netlink *to, const char *chain_name, const char *name);
void nft_rule_end(const struct nft_rule *rule);
struct nft_expression nft_expression(struct netlink *to, const char *name);
void nft_expressed(struct netlink *to, struct nft_expression made);
void nft_value(struct netlink *to, uint16_t type, const void *bytes, size_t size);
/* Of the register that meta and load fill. */
void nft_compare(struct netlink *to, uint32_t how, const void *bytes, size_t size);
void nft_meta(struct netlink *to, uint32_t key, uint8_t wanted);
void nft_load(struct netlink *to, uint32_t base, uint32_t offset, uint32_t size);
void nft_mask(struct netlink *to, uint8_t bits);
void nft_verdict(struct netlink *to, int32_t code, const char *chain_name);
void nft_reject(struct netlink *to, uint32_t type, uint8_t code);
void nft_bytes_are(struct netlink *to, uint32_t base, uint32_t offset, const void *bytes, uint32_t size);

#endif
