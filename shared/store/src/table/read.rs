//! Reading one item, or the items of a partition in order.

use serde::de::DeserializeOwned;

use crate::keys::{Key, PK};
use crate::table::batch_get::ReadMode;
use crate::table::error::failure;
use crate::table::item::{Item, Kind, text};
use crate::{Page, Store, keys};
use domain::company::Company;
use domain::kernel::failure::Failure;

/// Items looked through for a page of a filtered list: below the megabyte of one call.
pub(crate) const FILTER_READ_MAX: u32 = 1_000;

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) kind: Kind,
    pub(crate) partition: &'a str,
    /// The item that the page begins after.
    pub(crate) start: Option<Key>,
    pub(crate) order: Order,
    /// Most items on the page.
    pub(crate) limit: u32,
}

/// Which end of a partition comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

impl Store {
    /// One item, perhaps a moment old; see [`Store::batch_get`] for the member who acts.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        company: Company,
        key: &Key,
        kind: Kind,
    ) -> Result<Option<T>, Failure> {
        self.get_for(company, key, kind, ReadMode::Eventual).await
    }

    /// One item as of the last write: for what was written a moment ago, or is about to
    /// be changed.
    pub(crate) async fn get_latest<T: DeserializeOwned>(
        &self,
        company: Company,
        key: &Key,
        kind: Kind,
    ) -> Result<Option<T>, Failure> {
        self.get_for(company, key, kind, ReadMode::Consistent).await
    }

    /// One item and, if a member acts, theirs.
    async fn get_for<T: DeserializeOwned>(
        &self,
        company: Company,
        key: &Key,
        kind: Kind,
        read: ReadMode,
    ) -> Result<Option<T>, Failure> {
        if company.actor().is_none() {
            return self.read_item(key, kind, read).await;
        }
        let found = self.batch_get(company, std::slice::from_ref(key), read).await?;
        found.into_iter().next().map(|item| kind.decode(item)).transpose()
    }

    /// One item, for nobody in particular.
    pub(crate) async fn read_item<T: DeserializeOwned>(
        &self,
        key: &Key,
        kind: Kind,
        read: ReadMode,
    ) -> Result<Option<T>, Failure> {
        let latest = read != ReadMode::Eventual;
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes()));
        let answer = request.consistent_read(latest).send().await.map_err(failure)?;
        answer.item.map(|item| kind.decode(item)).transpose()
    }

    /// The items of a partition after `start`, at most `limit`.
    pub(crate) async fn query(
        &self,
        partition: &str,
        start: Option<Key>,
        limit: u32,
        order: Order,
    ) -> Result<Page<Item, Key>, Failure> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":pk", text(partition))
            .set_exclusive_start_key(start.map(|key| key.attributes()))
            .scan_index_forward(order == Order::OldestFirst)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(failure)?;
        let next = answer.last_evaluated_key.as_ref().and_then(Key::of);
        Ok(Page { items: answer.items.unwrap_or_default(), next })
    }

    /// The items of a partition between two sort keys, both included.
    pub(crate) async fn range(&self, partition: &str, (first, last): (String, String)) -> Result<Vec<Item>, Failure> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_names("#sk", keys::SK)
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .into_paginator()
            .send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page.map_err(failure)?.items.unwrap_or_default());
        }
        Ok(items)
    }

    /// The items of a partition after `start`, as of the last write: at most `limit`.
    pub(crate) async fn some_latest(
        &self,
        partition: &str,
        start: Option<Key>,
        (order, limit): (Order, u32),
    ) -> Result<Page<Item, Key>, Failure> {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        self.read_latest(partition, start, (order, Some(limit))).await
    }

    /// The items of a partition after `start`, oldest first, as of the last write: as many as one
    /// call returns.
    pub(crate) async fn page_latest(&self, partition: &str, start: Option<Key>) -> Result<Page<Item, Key>, Failure> {
        self.read_latest(partition, start, (Order::OldestFirst, None)).await
    }

    async fn read_latest(
        &self,
        partition: &str,
        start: Option<Key>,
        (order, limit): (Order, Option<i32>),
    ) -> Result<Page<Item, Key>, Failure> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", PK)
            .expression_attribute_values(":pk", text(partition))
            .set_exclusive_start_key(start.map(|key| key.attributes()))
            .scan_index_forward(order == Order::OldestFirst)
            .set_limit(limit);
        let answer = query.send().await.map_err(failure)?;
        let next = answer.last_evaluated_key.as_ref().and_then(Key::of);
        Ok(Page { items: answer.items.unwrap_or_default(), next })
    }

    /// All items of a partition, each as of the last write.
    pub(crate) async fn all_latest(&self, partition: &str) -> Result<Vec<Item>, Failure> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let page = self.page_latest(partition, start).await?;
            items.extend(page.items);
            start = page.next;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// The entities of a partition that pass the filter, if there is one; `place` returns what
    /// the next page begins after. A filter looks through as many items as one call reads, so a
    /// page may be short and not the last.
    pub(crate) async fn search<T: DeserializeOwned, P>(
        &self,
        search: Search<'_>,
        filter: Option<impl Fn(&T) -> bool>,
        place: impl Fn(&T) -> P,
    ) -> Result<Page<T, P>, Failure> {
        let Search { kind, partition, start, order, limit } = search;
        let looked_through = if filter.is_some() { FILTER_READ_MAX } else { limit };
        let page = self.query(partition, start, looked_through, order).await?;
        let mut items = page.items.into_iter().map(|item| kind.decode(item)).collect::<Result<Vec<T>, _>>()?;
        let mut next = page.next.and_then(|_| items.last().map(&place));
        items.retain(|item| filter.as_ref().is_none_or(|passes| passes(item)));
        if items.len() > limit as usize {
            items.truncate(limit as usize);
            next = items.last().map(&place);
        }
        Ok(Page { items, next })
    }
}
