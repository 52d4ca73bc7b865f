//! What a card shows besides text: avatar, photos, video.

use serde::{Deserialize, Serialize};

use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::UploadId;
use crate::kernel::list::UniqueList;

/// Most photos on a card.
pub const PHOTOS_MAX: usize = 9;
/// The photos of a card, in the order to show.
pub type Photos = UniqueList<UploadId, PHOTOS_MAX>;

/// The uploads that a card shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardMedia {
    /// 个人头像
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<UploadId>,
    /// 照片
    #[serde(default)]
    pub photos: Photos,
    /// 名片视频
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<UploadId>,
}

impl CardMedia {
    /// All of them.
    pub fn uploads(&self) -> impl Iterator<Item = UploadId> {
        self.avatar.into_iter().chain(self.photos.as_slice().iter().copied()).chain(self.video)
    }

    /// The uploads that are shown here and not there.
    pub fn without(&self, there: &Self) -> Vec<UploadId> {
        self.uploads().filter(|upload| there.uploads().all(|other| other != *upload)).collect()
    }
}

/// Why a card's media are not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// Uploads cannot be used, each with a pointer to it.
    #[error("uploads cannot be used")]
    Uploads(Vec<(String, FieldError)>),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;

    fn id(n: u128) -> UploadId {
        UploadId::from_uuid(Uuid::from_u128(n))
    }

    fn photos(ids: impl IntoIterator<Item = u128>) -> Photos {
        Photos::parse(ids.into_iter().map(id).collect()).unwrap()
    }

    #[test]
    fn new_and_removed_uploads_are_distinguished_from_moved_ones() {
        let before = CardMedia { avatar: Some(id(1)), photos: photos([2, 3, 4]), video: None };
        let after = CardMedia { avatar: Some(id(1)), photos: photos([4, 5, 2]), video: Some(id(6)) };
        assert_eq!(after.without(&before), [id(5), id(6)]);
        assert_eq!(before.without(&after), [id(3)]);
        assert!(before.without(&before).is_empty());
    }

    #[test]
    fn the_tenth_photo_is_rejected() {
        assert!(Photos::parse((0..9).map(id).collect()).is_ok());
        assert_eq!(Photos::parse((0..10).map(id).collect()).unwrap_err().code, "too_many");
    }

    #[test]
    fn a_card_without_media_is_read() {
        assert_eq!(serde_json::from_str::<CardMedia>("{}").unwrap(), CardMedia::default());
    }
}
