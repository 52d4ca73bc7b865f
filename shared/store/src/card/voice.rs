//! Voice introductions of products, in the partition of the card they belong to.

use domain::card::voice::Voice;
use domain::company::Company;
use domain::kernel::id::{CardId, ProductId, UploadId};
use domain::kernel::timestamp::Timestamp;
use domain::media::upload::Upload;

use crate::card::view::take;
use crate::table::batch_get::ReadMode;
use crate::table::item::{Item, text};
use crate::table::kinds::{CARD, UPLOAD, VOICE};
use crate::table::read::Order;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};
use domain::kernel::failure::Failure;

/// The state of a product before its voice introduction is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceToSet {
    /// The introduction it has.
    pub voice: Option<Voice>,
    /// The upload that is to be used, if it exists.
    pub upload: Option<Upload>,
}

impl Store {
    /// The voice introduction of a product, and the upload to be used, as of now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn voice_to_set(
        &self,
        company: Company,
        card: CardId,
        product: ProductId,
        upload: Option<UploadId>,
    ) -> Result<VoiceToSet, Failure> {
        let mut wanted = vec![keys::voice(company, card, product)];
        wanted.extend(upload.map(|upload| keys::upload(company, upload)));
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        Ok(VoiceToSet { voice: take(&mut items, VOICE)?, upload: take(&mut items, UPLOAD)? })
    }

    /// Replaces or removes the voice introduction of a product.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the introduction or the upload is not as it was read.
    pub async fn set_voice(
        &self,
        company: Company,
        card: CardId,
        read: Option<&Voice>,
        new: Option<&Voice>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        let unchanged = |read: &Voice| Item::from([(":read".to_owned(), text(read.upload.to_string()))]);
        match (read, new) {
            (None, None) => return Ok(()),
            (None, Some(new)) => {
                let item = VOICE.encode(&keys::voice(company, card, new.product), new)?;
                transaction.create(&self.table, item, Failure::VersionConflict);
            }
            (Some(read), Some(new)) => {
                let item = VOICE.encode(&keys::voice(company, card, new.product), new)?;
                let condition = "attribute_exists(#pk) AND upload = :read";
                transaction.put(&self.table, item, condition, unchanged(read), Failure::VersionConflict);
            }
            (Some(read), None) => {
                let key = keys::voice(company, card, read.product);
                let gone = Failure::VersionConflict;
                transaction.delete(&self.table, &key, "upload = :read", unchanged(read), gone);
            }
        }
        if let Some(new) = new {
            self.use_upload(&mut transaction, company, new.upload);
        }
        if let Some(read) = read {
            self.drop_upload(&mut transaction, company, read.upload, now);
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The voice introductions of a card, by product.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such card.
    pub async fn voices(
        &self,
        company: Company,
        card: CardId,
        after: Option<ProductId>,
        limit: u32,
    ) -> Result<Page<Voice, ProductId>, Failure> {
        let partition = keys::card(company, card).pk;
        let start = after.map(|product| keys::voice(company, card, product));
        // The card itself comes first, and shows that there is one.
        let limit = if start.is_some() { limit } else { limit.saturating_add(1) };
        let first = start.is_none();
        let mut page = self.query(&partition, start, limit, Order::OldestFirst).await?;
        if first && page.items.first().is_none_or(|item| !CARD.is_of(item)) {
            return Err(Failure::NotFound);
        }
        page.items.retain(|item| VOICE.is_of(item));
        let items: Vec<Voice> = page.items.into_iter().map(|item| VOICE.decode(item)).collect::<Result<_, _>>()?;
        let next = page.next.and_then(|_| items.last().map(|voice| voice.product));
        Ok(Page { items, next })
    }
}
