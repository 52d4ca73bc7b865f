//! The evidence that a customer will close a deal: which kinds of events, on which days.
//!
//! A day's events of one feature count as at most [`DAILY_MAX`]. Old events count less: half
//! after [`HALF_LIFE_DAYS`]. Repetition counts less too: of one feature the newest event counts
//! whole, the second newest a half, the third a third. Which event is the newest does not depend on
//! today, so this shares the weights out anew without touching how they fade.
//!
//! The days themselves are kept, not sums, so late, reordered and merged events give the same state
//! to the bit, and nothing is rewritten as time passes. All features fade by one common factor
//! ("forward decay"): customers pass each other only by what they do.

use serde::Deserialize;

use crate::kernel::day::Day;
use crate::kernel::pack::Pack;
use crate::kernel::recent_days::{BITS, Bits, RecentDays};
use crate::kernel::string_enum::string_enum;
use crate::tracking::event::{Event, EventKind};

/// After this many days an event counts half.
pub const HALF_LIFE_DAYS: i32 = 14;
/// Most events of one feature and day that count.
pub const DAILY_MAX: u8 = 3;
/// A stay counts as long from here, in milliseconds.
pub const LONG_STAY_MS: u32 = 30_000;

/// How many half-lives are remembered; older events would count less than 0.4 %.
const HALF_LIVES: u16 = 8;
const REMEMBERED: u16 = HALF_LIVES * 14;

string_enum! {
    /// A group of kinds of events that are evidence for a deal. The order is stored: add at the
    /// end only.
    Feature, "unknown_feature", "未知的成交依据" {
        /// 查看名片
        ViewCard = "view_card",
        /// 查看商品
        ViewProduct = "view_product",
        /// 查看文章、视频、官网
        ViewContent = "view_content",
        /// 停留 30 秒以上
        LongStay = "long_stay",
        /// 转发
        Forward = "forward",
        /// 点赞（未取消）
        Like = "like",
        /// 保存电话
        Save = "save",
        /// 复制微信号或拨打电话
        Contact = "contact",
        /// 打开聊天
        Chat = "chat",
        /// 授权手机号
        GrantPhone = "grant_phone",
    }
}

/// How many features there are.
pub const FEATURES: usize = Feature::ALL.len();

/// Each feature has two bits of a day.
const _: () = assert!(FEATURES * 2 <= BITS && DAILY_MAX == 3);

impl Feature {
    /// The feature that an event counts for; `None` if it is not counted.
    ///
    /// Likes are left out: a like counts while it is in force, which the latest like or unlike in the
    /// customer state knows. Readers of the evidence add it by [`Evidence::see`].
    pub fn of(event: &Event) -> Option<Self> {
        if !event.counts() {
            return None;
        }
        match event.kind {
            EventKind::ViewCard => Some(Self::ViewCard),
            EventKind::ViewProduct => Some(Self::ViewProduct),
            EventKind::ViewArticle | EventKind::ViewVideo | EventKind::ViewWebsite => Some(Self::ViewContent),
            EventKind::Dwell => event.duration_ms.filter(|ms| *ms >= LONG_STAY_MS).map(|_| Self::LongStay),
            EventKind::Forward => Some(Self::Forward),
            EventKind::SavePhone => Some(Self::Save),
            EventKind::CopyWechatId | EventKind::Call => Some(Self::Contact),
            EventKind::OpenChat => Some(Self::Chat),
            EventKind::GrantPhone => Some(Self::GrantPhone),
            EventKind::Like | EventKind::Unlike => None,
        }
    }

    /// Its name in an explanation.
    pub fn label(self) -> &'static str {
        match self {
            Self::ViewCard => "查看名片",
            Self::ViewProduct => "查看商品",
            Self::ViewContent => "查看文章、视频或官网",
            Self::LongStay => "停留 30 秒以上",
            Self::Forward => "转发",
            Self::Like => "点赞",
            Self::Save => "保存电话",
            Self::Contact => "复制微信号或拨打电话",
            Self::Chat => "打开聊天",
            Self::GrantPhone => "授权手机号",
        }
    }

    /// Its place in arrays over all features.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    fn count(self, bits: Bits) -> u32 {
        bits >> (2 * self.index()) & u32::from(DAILY_MAX)
    }

    fn with_more(self, bits: Bits, by: u32) -> Bits {
        let more = by.min(u32::from(DAILY_MAX) - self.count(bits));
        bits + (more << (2 * self.index()))
    }
}

/// One person's evidence on one card, or on several together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Evidence(RecentDays<REMEMBERED>);

impl Pack for Evidence {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.0.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Pack::unpack(bytes).map(Self)
    }
}

impl Evidence {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts an event, if it is evidence.
    pub fn take(&mut self, event: &Event) {
        if let Some(feature) = Feature::of(event) {
            self.see(feature, Day::of(event.at));
        }
    }

    /// Counts one event of a feature on a day.
    pub fn see(&mut self, feature: Feature, day: Day) {
        self.0.change(day, |bits| feature.with_more(bits, 1));
    }

    /// Adds the evidence of another part of the same person, or of another card: the
    /// same as if all events had come here.
    pub fn add_all(&mut self, other: &Self) {
        self.0.add_all(&other.0, |mine, theirs| {
            Feature::ALL.iter().fold(mine, |bits, feature| feature.with_more(bits, feature.count(theirs)))
        });
    }

    /// The newest day with any.
    pub(crate) fn newest(&self) -> Option<Day> {
        self.0.iter().next().map(|(day, _)| day)
    }

    /// Its decayed amount at the end of `today`; later days are left out.
    pub fn on(&self, today: Day) -> DecayedEvidence {
        let mut decayed = DecayedEvidence { today, block: 0, sums: [0; FEATURES], newest: [None; FEATURES] };
        let mut counted = [0; FEATURES];
        for (day, bits) in self.0.iter().filter(|(day, _)| *day <= today) {
            let block = day.number().div_euclid(HALF_LIFE_DAYS);
            if decayed.is_empty() {
                decayed.block = block - i32::from(HALF_LIVES);
            }
            let phase = usize::try_from(day.number().rem_euclid(HALF_LIFE_DAYS)).unwrap_or(0);
            let weight = PHASES[phase] << (block - decayed.block);
            for feature in Feature::ALL {
                let (place, count) = (feature.index(), feature.count(bits));
                if count > 0 {
                    let newer = counted[place];
                    counted[place] = newer + count;
                    decayed.sums[place] += weight * (newer..newer + count).map(share_of).sum::<u64>();
                    decayed.newest[place].get_or_insert(day);
                }
            }
        }
        decayed.sums = decayed.sums.map(|sum| sum / SHARE_ONE);
        decayed
    }
}

/// The share of an event that counts whole.
const SHARE_ONE: u64 = 256;

/// The share with which an event counts of whose feature there are so many newer ones. It never
/// rises, and newer events weigh more: so one more event never lowers a sum, wherever it comes in.
fn share_of(newer: u32) -> u64 {
    SHARE_ONE / (u64::from(newer) + 1)
}

/// All evidence there ever was; the evidence until any past day can still be computed.
#[derive(Debug, Clone, Default)]
pub(crate) struct WholeEvidence(RecentDays<{ u16::MAX }>);

impl WholeEvidence {
    /// Counts an event, if it is evidence.
    pub(crate) fn take(&mut self, event: &Event) {
        if let Some(feature) = Feature::of(event) {
            self.0.change(Day::of(event.at), |bits| feature.with_more(bits, 1));
        }
    }

    /// What was remembered at the end of a day.
    pub(crate) fn until(&self, last: Day) -> Evidence {
        let mut evidence = Evidence::default();
        for (day, bits) in self.0.iter().filter(|(day, _)| *day <= last) {
            evidence.0.change(day, |_| bits);
        }
        evidence
    }
}

/// `2^(n / 14)` for the days of one half-life, in units of `2^-16`.
const PHASES: [u64; 14] = [
    65_536, 68_862, 72_358, 76_030, 79_889, 83_944, 88_205, 92_682, 97_386, 102_329, 107_523, 112_981, 118_715, 124_741,
];
/// The weight of an event at the beginning of a half-life.
pub(crate) const PHASE_ONE: f64 = 65_536.0;

/// The evidence of one person, faded up to one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecayedEvidence {
    today: Day,
    /// The half-life since 1970 in which an event would weigh [`PHASE_ONE`].
    block: i32,
    /// Per feature the sum of the weights at the events' own times, each by its share. At most
    /// 2^28: the shares add up to less than 2^3, 2^17 for the phase, 2^8 for the block.
    sums: [u64; FEATURES],
    newest: [Option<Day>; FEATURES],
}

impl DecayedEvidence {
    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.newest.iter().all(Option::is_none)
    }

    /// The day up to whose end it has faded.
    pub(crate) fn today(&self) -> Day {
        self.today
    }

    /// How much of a feature there is: one event of today is 1, one of 14 days ago a half, two of
    /// today are one and a half.
    pub fn amount(&self, feature: Feature) -> f64 {
        self.faded(self.sum(feature))
    }

    /// The newest day on which a feature was seen.
    pub fn newest(&self, feature: Feature) -> Option<Day> {
        self.newest[feature.index()]
    }

    /// The exact sum of a feature; comparable within one value of decayed evidence.
    pub(crate) fn sum(&self, feature: Feature) -> u64 {
        self.sums[feature.index()]
    }

    /// What a sum of this evidence, or a sum of such sums, is worth today.
    fn faded(&self, sum: u64) -> f64 {
        let half_lives = f64::from(self.block) - f64::from(self.today.number()) / f64::from(HALF_LIFE_DAYS);
        float(sum) / PHASE_ONE * half_lives.exp2()
    }

    /// The half-life that a sum counts from, to compare sums of different evidence.
    pub(crate) fn block(&self) -> i32 {
        self.block
    }
}

/// A sum as a number; exact below 2^53, which no sum reaches.
pub(crate) fn float(sum: u64) -> f64 {
    sum as f64
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
