/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nft_elems.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
nft_elems_add(struct nft_elems *list, const struct nft_elem *elem)
{
	size_t cap = list->cap ? list->cap * 2 : 64;
	struct nft_elem *v;

	if (list->n == list->cap) {
		v = realloc(list->v, cap * sizeof(*v));
		if (!v)
			return -ENOMEM;
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = *elem;
	return 0;
}

void
nft_elems_free(struct nft_elems *list)
{
	free(list->v);
	*list = (struct nft_elems){ 0 };
}

int
nft_elems_compare_keys(const struct nft_elem *a, const struct nft_elem *b)
{
	return memcmp(a->key, b->key, sizeof(a->key));
}

static int
compare_elems(const void *a, const void *b)
{
	uint32_t x = ((const struct nft_elem *)a)->id, y = ((const struct nft_elem *)b)->id;
	int order = nft_elems_compare_keys(a, b);

	return order ? order : x < y ? -1 : x > y;
}

void
nft_elems_sort(struct nft_elems *list)
{
	size_t i, n = 0;

	if (list->n == 0)
		return;
	qsort(list->v, list->n, sizeof(*list->v), compare_elems);
	for (i = 1; i < list->n; i++)
		if (nft_elems_compare_keys(&list->v[n], &list->v[i]) != 0)
			list->v[++n] = list->v[i];
	list->n = n + 1;
}
