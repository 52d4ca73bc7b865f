//! The media of a card: uploads that come into use with it and go with it.

use domain::card::Card;
use domain::card::media::CardMedia;
use domain::company::Company;
use domain::kernel::id::{CardId, UploadId};
use domain::media::upload::Upload;

use crate::card::CardChange;
use crate::card::view::{CardView, keys_of_view, view_of};
use crate::table::batch_get::ReadMode;
use crate::table::kinds::UPLOAD;
use crate::{Store, keys};
use domain::kernel::failure::Failure;

/// A card to edit, and the uploads it may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardWithUploads {
    /// The card with what is shown beside it.
    pub view: CardView,
    /// The uploads that exist, in no order.
    pub uploads: Vec<Upload>,
}

impl Store {
    /// A card with its counters, the template and uploads, none twice, as of now.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such card.
    pub async fn card_with_uploads(
        &self,
        company: Company,
        card: CardId,
        uploads: &[UploadId],
    ) -> Result<CardWithUploads, Failure> {
        let mut wanted = keys_of_view(company, card, true);
        wanted.extend(uploads.iter().map(|upload| keys::upload(company, *upload)));
        let items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let (uploads, mut rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| UPLOAD.is_of(item));
        let uploads = uploads.into_iter().map(|item| UPLOAD.decode(item)).collect::<Result<_, _>>()?;
        Ok(CardWithUploads { view: view_of(&mut rest, true)?, uploads })
    }

    /// Changes what a card shows besides text. New uploads were checked to be usable.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the card, or an upload, is not as it was read.
    pub async fn edit_media(
        &self,
        company: Company,
        change: CardChange<'_>,
        media: CardMedia,
    ) -> Result<Card, Failure> {
        let (comes, goes) = (media.without(&change.read.media), change.read.media.without(&media));
        self.edit_media_of_card(company, &change, media, |transaction| {
            comes.into_iter().for_each(|upload| self.use_upload(transaction, company, upload));
            goes.into_iter().for_each(|upload| self.drop_upload(transaction, company, upload, change.now));
            Ok(())
        })
        .await
    }
}
