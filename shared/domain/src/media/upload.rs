//! Uploads: files that members send, each for one purpose, inspected before anybody sees them.

use serde::{Deserialize, Serialize};

use crate::company::Company;
use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, CompanyId, MemberId, UploadId};
use crate::kernel::string_enum::string_enum;
use crate::kernel::timestamp::{DAY_MS, SECOND_MS, Timestamp};

/// How long a ticket can be used.
pub const TICKET_MS: i64 = 10 * 60 * SECOND_MS;
/// How long an upload waits to be used.
pub const KEPT_MS: i64 = DAY_MS;
/// How long a file is kept when nothing shows it any more: longer than a signed address and
/// than any request that began before.
pub const LINGER_MS: i64 = 2 * 3_600 * SECOND_MS;

const MB: u64 = 1024 * 1024;
/// Most bytes of a table.
pub const TABLE_BYTES_MAX: u64 = 5 * MB;

string_enum! {
    /// What a file is for. The names are stored: never change one.
    Purpose, "unknown_purpose", "用途只能是 avatar、photo、card_video、voice 或 customer_table" {
        /// 个人头像
        Avatar = "avatar",
        /// 照片
        Photo = "photo",
        /// 名片视频
        CardVideo = "card_video",
        /// 商品语音介绍
        Voice = "voice",
        /// 要导入的客户表格
        CustomerTable = "customer_table",
    }
}

string_enum! {
    /// What a file is. The names are content types, and stored: never change one.
    Format, "unknown_content_type", "不支持的文件类型" {
        /// JPEG picture.
        Jpeg = "image/jpeg",
        /// PNG picture.
        Png = "image/png",
        /// WebP picture.
        Webp = "image/webp",
        /// MP4 video.
        Mp4 = "video/mp4",
        /// MP3 sound.
        Mp3 = "audio/mpeg",
        /// AAC sound in an MP4 file.
        M4a = "audio/mp4",
        /// AAC sound as a stream (ADTS).
        Aac = "audio/aac",
        /// Text with commas, semicolons or tabs.
        Csv = "text/csv",
        /// Text with tabs, as Excel saves it in Unicode.
        Text = "text/plain",
        /// A workbook of Excel.
        Xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
}

string_enum! {
    /// Why a file was rejected. The names are stored: never change one.
    Refusal, "unknown_reason", "未知原因" {
        /// Something else than announced.
        WrongType = "wrong_type",
        /// Cut off, or not as its format demands.
        Damaged = "damaged",
        /// Plays too long.
        TooLong = "too_long",
        /// Has too many bytes.
        TooLarge = "too_large",
    }
}

/// What a purpose allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What the file may be.
    pub formats: &'static [Format],
    /// Most bytes.
    pub bytes_max: u64,
    /// Most seconds it may play.
    pub seconds_max: Option<u64>,
}

impl Purpose {
    /// The limits of this purpose. No picture is rejected for its width or height.
    pub fn limits(self) -> Limits {
        const PICTURES: &[Format] = &[Format::Jpeg, Format::Png, Format::Webp];
        const SOUNDS: &[Format] = &[Format::Mp3, Format::M4a, Format::Aac];
        const TABLES: &[Format] = &[Format::Csv, Format::Text, Format::Xlsx];
        match self {
            Self::Avatar => Limits { formats: PICTURES, bytes_max: 5 * MB, seconds_max: None },
            Self::Photo => Limits { formats: PICTURES, bytes_max: 20 * MB, seconds_max: None },
            Self::CardVideo => Limits { formats: &[Format::Mp4], bytes_max: 50 * MB, seconds_max: None },
            Self::Voice => Limits { formats: SOUNDS, bytes_max: 2 * MB, seconds_max: Some(60) },
            Self::CustomerTable => Limits { formats: TABLES, bytes_max: TABLE_BYTES_MAX, seconds_max: None },
        }
    }

    /// Checks what a client announces of a file.
    ///
    /// # Errors
    /// `wrong_content_type` or `out_of_range`, each at its field.
    pub fn check(self, format: Format, bytes: u64) -> Result<(), FieldError> {
        let Limits { formats, bytes_max, .. } = self.limits();
        if !formats.contains(&format) {
            let names: Vec<_> = formats.iter().map(|format| format.name()).collect();
            let detail = format!("文件类型只能是 {}", names.join("、"));
            return Err(FieldError::new("wrong_content_type", detail).at("/content_type"));
        }
        if !(1..=bytes_max).contains(&bytes) {
            let detail = format!("文件不能为空，且不能超过 {} MB", bytes_max / MB);
            return Err(FieldError::new("out_of_range", detail).at("/bytes"));
        }
        Ok(())
    }
}

impl Limits {
    /// Rejects a file that plays too long. The rest of a second is let pass: encoders fill it up.
    ///
    /// # Errors
    /// [`Refusal::TooLong`].
    pub fn check_duration(&self, duration_ms: u64) -> Result<(), Refusal> {
        let seconds = duration_ms / 1_000;
        if self.seconds_max.is_some_and(|max| seconds > max) { Err(Refusal::TooLong) } else { Ok(()) }
    }
}

impl Refusal {
    /// The sentence for the user.
    pub fn detail(self) -> &'static str {
        match self {
            Self::WrongType => "文件内容与类型不符，请重新选择文件",
            Self::Damaged => "文件已损坏或不完整，请重新选择文件",
            Self::TooLong => "时长超过限制，请剪短后重新上传",
            Self::TooLarge => "文件超过大小限制，请压缩后重新上传",
        }
    }
}

/// The state of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum UploadState {
    /// The file has not come, or is being looked at.
    Waiting,
    /// It is as it should be, and can be used.
    Ready {
        /// How long it plays, in milliseconds; none for pictures.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
    },
    /// It cannot be used.
    Refused {
        /// Why.
        reason: Refusal,
    },
}

/// A file that a member sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Its purpose.
    pub purpose: Purpose,
    /// Its format.
    pub format: Format,
    /// How many bytes it may have, as announced.
    pub bytes: u64,
    /// The card it is for; none of a table of somebody without a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardId>,
    /// The member who sends it.
    pub member: MemberId,
    /// Its state.
    pub state: UploadState,
    /// Whether it was used; an upload is used once.
    pub used: bool,
    /// When its ticket was made.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub created_at: Timestamp,
}

impl Upload {
    /// Until when the file can be sent.
    pub fn ticket_until(&self) -> Timestamp {
        self.created_at.plus_millis(TICKET_MS)
    }

    /// Until when it can be used.
    pub fn usable_until(&self) -> Timestamp {
        self.created_at.plus_millis(KEPT_MS)
    }

    /// Checks that a card may show it for this purpose, and returns how long it plays, in
    /// milliseconds, 0 for a picture.
    ///
    /// # Errors
    /// `unknown_upload`, also for an upload of another card: nobody learns of others' uploads;
    /// `wrong_purpose`, `upload_not_ready`, `upload_refused` or `upload_used`.
    pub fn usable(&self, card: CardId, purpose: Purpose, now: Timestamp) -> Result<u64, FieldError> {
        if self.card != Some(card) {
            return Err(unknown_upload());
        }
        if self.purpose != purpose {
            return Err(FieldError::new("wrong_purpose", "该文件是为其他用途上传的，请重新上传"));
        }
        match self.state {
            _ if self.used => Err(FieldError::new("upload_used", "该文件已使用过，请重新上传")),
            _ if now >= self.usable_until() => Err(unknown_upload()),
            UploadState::Waiting => Err(FieldError::new("upload_not_ready", "文件尚未上传或正在检查，请稍后重试")),
            UploadState::Refused { reason } => Err(FieldError::new("upload_refused", reason.detail())),
            UploadState::Ready { duration_ms } => Ok(duration_ms.unwrap_or_default()),
        }
    }
}

/// Why an upload is not created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// Not a member, or not allowed for this card and purpose.
    #[error("another role is required")]
    RoleRequired,
    /// A value cannot be.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// The error of an upload that does not exist for the caller.
pub fn unknown_upload() -> FieldError {
    FieldError::new("unknown_upload", "上传的文件不存在或已过期，请重新上传")
}

/// Where the file of an upload is sent to: what is shown waits to be inspected there.
pub fn sent_key(company: Company, upload: &Upload) -> String {
    match upload.purpose {
        Purpose::CustomerTable => table_key(company, upload.id),
        Purpose::Avatar | Purpose::Photo | Purpose::CardVideo | Purpose::Voice => quarantine_key(company, upload.id),
    }
}

/// Where the file of an upload is kept.
pub fn kept_key(company: Company, purpose: Purpose, upload: UploadId) -> String {
    match purpose {
        Purpose::CustomerTable => table_key(company, upload),
        Purpose::Avatar | Purpose::Photo | Purpose::CardVideo | Purpose::Voice => media_key(company, upload),
    }
}

/// Where a table is read from by the jobs of its import, and by nobody else.
pub fn table_key(company: Company, upload: UploadId) -> String {
    format!("tables/{}/{upload}", company.id())
}

/// Where a file waits to be inspected.
pub fn quarantine_key(company: Company, upload: UploadId) -> String {
    format!("{QUARANTINE}{}/{upload}", company.id())
}

/// Where a file is read from once it is ready.
pub fn media_key(company: Company, upload: UploadId) -> String {
    format!("media/{}/{upload}", company.id())
}

/// The company and the upload of a file that waits to be inspected.
pub fn quarantined(key: &str) -> Option<(CompanyId, UploadId)> {
    let (company, upload) = key.strip_prefix(QUARANTINE)?.split_once('/')?;
    Some((company.parse().ok()?, upload.parse().ok()?))
}

const QUARANTINE: &str = "quarantine/";

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
