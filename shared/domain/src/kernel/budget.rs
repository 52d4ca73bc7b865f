//! Budgets: what a person, a company or an address may do in a time.
//!
//! A budget is a token bucket, kept as one number for each of its rates: the moment when the bucket
//! is full again (the theoretical arrival time of GCRA). Tokens flow back evenly; nothing has to run
//! for it. [`BUDGETS`] is the whole list. Where the buckets are kept is not decided here: in the
//! table exactly, or in the memory of a process with an error that the keeper states.

use crate::kernel::timestamp::Timestamp;

/// Most rates of one budget.
pub const RATES_MAX: usize = 3;

const MILLISECOND_US: i64 = 1_000;
const SECOND_US: i64 = 1_000 * MILLISECOND_US;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;

/// Whose actions a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetScope {
    /// An identity in a company: a visitor or a member.
    Person,
    /// All of a company.
    Company,
    /// A client's address, in all companies together.
    Address,
    /// A phone number, in all companies together.
    PhoneNumber,
}

/// Where the buckets of a budget are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetKeeper {
    /// In the table: exact.
    Table,
    /// In the memory of each process: up to the capacity for each process that runs.
    Memory,
}

/// A size of a bucket, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetRate {
    /// Tokens in a full bucket.
    pub capacity: u64,
    /// Time in microseconds in which one token flows back.
    pub token_us: i64,
}

/// A fixed limit with a name.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Its name in answers, metrics and alarms.
    pub name: BudgetName,
    /// Whose actions it counts.
    pub scope: BudgetScope,
    /// Where its buckets are kept.
    pub keeper: BudgetKeeper,
    /// Its rates. All of them must have the tokens.
    pub rates: &'static [BudgetRate],
    /// What it guards.
    pub guards: &'static str,
    /// Why these numbers.
    pub reason: &'static str,
    /// Who can empty it, and why that is bearable.
    pub emptied_by: &'static str,
    /// What a caller over the budget reads, before the time to wait.
    pub detail: &'static str,
}

/// A bucket: for each rate the moment, in Unix microseconds, when it is full again. The past means
/// that it is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket(pub [i64; RATES_MAX]);

/// The bucket has too few tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("over the budget {budget:?}")]
pub struct OverBudget {
    /// The budget.
    pub budget: BudgetName,
    /// Time in microseconds until the tokens are there, if nobody else takes some.
    pub wait_us: i64,
}

macro_rules! budgets {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $scope:ident, $keeper:ident, [$($rate:expr),+],
        $guards:literal, $reason:literal, $emptied_by:literal, $detail:literal;)*) => {
        /// The name of a budget.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BudgetName {
            $($(#[$doc])* $name,)*
        }

        /// Every budget, in the order of [`BudgetName`].
        pub static BUDGETS: &[Budget] = &[$(Budget {
            name: BudgetName::$name,
            scope: BudgetScope::$scope,
            keeper: BudgetKeeper::$keeper,
            rates: &[$($rate),+],
            guards: $guards,
            reason: $reason,
            emptied_by: $emptied_by,
            detail: $detail,
        },)*];

        impl BudgetName {
            /// Its stable name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

/// A bucket of this size that gets one token back in this time.
const fn rate(capacity: u64, token_us: i64) -> BudgetRate {
    BudgetRate { capacity, token_us }
}

budgets! {
    /// Requests with a token.
    Requests = "requests", Person, Memory, [rate(1_000, 50 * MILLISECOND_US)],
        "all routes with a token",
        "a page of the mini-program asks at most 10 times; a console that loads every dashboard at once, some dozens of times; 20 a second is nobody with a screen",
        "who holds a token of the person: they refuse themselves",
        "请求过于频繁";
    /// Events that a person records.
    Events = "events", Person, Memory, [rate(1_000, 200 * MILLISECOND_US)],
        "the queue and the aggregator",
        "a person acts a few times a second; ten full batches wait after a week offline",
        "the same",
        "操作记录过于频繁";
    /// Events of all visitors of a company.
    CompanyEvents = "company_events", Company, Memory, [rate(30_000, MILLISECOND_US)],
        "the queue and the aggregator, which all companies share",
        "a trade fair of 300 visitors with a full batch each at once, then 1,000 events a second",
        "people who have logged in by WeChat, many of them: who has not is held back before by `company_anonymous_events`",
        "企业访问量过大";
    /// Events from one address.
    AddressEvents = "address_events", Address, Memory, [rate(30_000, 2 * MILLISECOND_US)],
        "the queue and the aggregator, against many made-up people behind one address",
        "a trade fair of 300 visitors behind one address with a full batch each at once",
        "who shares the address, for those behind it; the events wait in the app and come again",
        "当前网络的操作记录过于频繁";
    /// Events of all people of a company who have not logged in.
    CompanyAnonymousEvents = "company_anonymous_events", Company, Memory, [rate(15_000, 2 * MILLISECOND_US)],
        "the events of those who have logged in, against made-up people from many addresses",
        "half of what the company may record: the login follows the first page within seconds",
        "a few addresses; who has logged in is not concerned, and who logs in is not any more",
        "企业访问量过大";
    /// Logins from one address.
    Sessions = "sessions", Address, Memory, [rate(400, 500 * MILLISECOND_US)],
        "logins of everybody else: each asks WeChat",
        "a trade fair of 300 visitors behind one address, then two a second",
        "who shares the address, for those behind it: a token lasts two hours, and who has one goes on",
        "当前网络的登录过于频繁";
    /// Anonymous sessions from one address.
    AnonymousSessions = "anonymous_sessions", Address, Memory, [rate(400, 500 * MILLISECOND_US)],
        "made-up people who fill lists and logs",
        "a trade fair of 300 visitors behind one address, then two a second",
        "the same; a login does not need one",
        "当前网络的访问过于频繁";
    /// Anonymous sessions of a company.
    CompanyAnonymousSessions = "company_anonymous_sessions", Company, Memory, [rate(3_000, 20 * MILLISECOND_US)],
        "made-up people of one company, from many addresses",
        "ten trade fairs at once, then 50 a second",
        "a few addresses; the login of the same visitor follows, needs no anonymous session, and shows the same card",
        "企业访问量过大";
    /// Sockets of the live radar that a member opens.
    Sockets = "sockets", Person, Memory, [rate(600, 5 * SECOND_US)],
        "the gateway's 500 frames and handshakes a second of all companies",
        "more than twice the sockets that a card may have; a client that is cut off comes back after 1, 2, 4 … 60 seconds",
        "the member themselves",
        "实时雷达连接过于频繁";
    /// Frames that a member sends by their sockets.
    SocketFrames = "socket_frames", Person, Memory, [rate(120, SECOND_US)],
        "the same, and the table: each is answered by a read",
        "a client pings every five minutes, and asks once when it misses a frame",
        "the member themselves",
        "实时雷达请求过于频繁";
    /// Frames of a member that are answered with all that was missed.
    SocketCatchUps = "socket_catch_ups", Person, Memory, [rate(30, 10 * SECOND_US)],
        "the gateway and the table: each is answered with up to 100 frames",
        "one for each reconnect, and one for each gap on a card with many visitors",
        "the member themselves; the feed by HTTP shows the same",
        "实时雷达补发过于频繁";
    /// Frames of a member that were refused; a socket that sends more is closed.
    RefusedFrames = "refused_frames", Person, Memory, [rate(20, 30 * SECOND_US)],
        "the gateway: each refusal is a frame",
        "a client that waits as it is told has none",
        "the member themselves: the socket that sends the next refused frame is closed, and others stay open",
        "实时雷达请求过于频繁";
    /// Login codes of a company that are sent to WeChat.
    LoginCodes = "login_codes", Company, Table, [rate(1_000, 50 * MILLISECOND_US)],
        "the share of all companies in the gateway's 100 logins a second, and the company's quota at WeChat",
        "a fifth of the gateway's rate: 1.7 million logins a day",
        "people with many codes of `wx.login` that WeChat accepts: a code that it refuses gives its token back",
        "企业登录过于频繁";
    /// Login codes from one address that WeChat has refused.
    RefusedLoginCodes = "refused_login_codes", Address, Table, [rate(60, 10 * SECOND_US)],
        "the company's quota at WeChat, against made-up codes",
        "a login code works at once; only a program that sends it twice, or another program's, is refused",
        "who shares the address, for those behind it; a token lasts two hours, and other addresses are not concerned",
        "当前网络的登录失败过多";
    /// Codes of the phone button that are sent to WeChat.
    PhoneGrants = "phone_grants", Person, Table, [rate(10, 2 * HOUR_US)],
        "money: WeChat bills the company for each number",
        "a person grants one number, and another when they change it",
        "the person themselves; a company pays for at most twelve numbers a day of one WeChat account",
        "手机号授权过于频繁";
    /// Claim codes, invitation codes and radar codes that a person enters.
    CodeGuesses = "code_guesses", Person, Table,
        [rate(10, MINUTE_US), rate(20, 30 * MINUTE_US), rate(30, 72 * MINUTE_US)],
        "codes that let somebody in",
        "ten tries are free, two radar codes of five tries each; then one a minute, after twenty one in half an hour, after thirty one in 72 minutes",
        "the person themselves; a session without a code still begins",
        "验证码输入过于频繁";
    /// Operator keys that an address sends.
    OperatorKeyGuesses = "operator_key_guesses", Address, Table, [rate(600, 2 * SECOND_US)],
        "the key that creates companies",
        "an operator's script creates some hundred companies in a row; right keys count too, so nobody learns from the answer",
        "who shares the operator's own address; other addresses are not concerned",
        "密钥尝试过于频繁";
    /// Text messages to one phone number.
    SmsNumber = "sms_number", PhoneNumber, Table, [rate(5, 12 * MINUTE_US), rate(10, 144 * MINUTE_US)],
        "the owner of the number, and money",
        "as many as one member may get, five an hour and ten a day, whoever asks for them",
        "admins of any company who send to the number: a grant then stands without its text message, and no answer tells that others have sent",
        "该手机号的短信发送过于频繁";
    /// Text messages of a company.
    Sms = "sms", Company, Table, [rate(500, 172 * SECOND_US)],
        "money: each text message is billed",
        "500 a day: more members than most companies have get their radar on one day",
        "admins of the company; a grant then stands without its text message, and the QR code opens the radar",
        "企业短信发送已达上限";
    /// Invitations that a member creates.
    Invitations = "invitations", Person, Table, [rate(60, 5 * MINUTE_US)],
        "the table, and the seats that each holds",
        "one invitation can serve a whole department; a script makes dozens for a launch",
        "the member themselves",
        "创建邀请过于频繁";
    /// Share codes that a person creates.
    ShareCodes = "share_codes", Person, Table, [rate(60, 10 * SECOND_US)],
        "the table: each is an item",
        "one for each time somebody forwards a card",
        "the person themselves",
        "分享过于频繁";
    /// Customers that a member adds by hand.
    AddedCustomers = "added_customers", Person, Table, [rate(200, 10 * SECOND_US)],
        "the table, and the lists of the company: each is several items",
        "a box of business cards after a trade fair; tables of them are imported",
        "the member themselves",
        "添加客户过于频繁";
    /// Lists of customers that a member exports.
    CustomerExports = "customer_exports", Person, Table, [rate(10, 120 * MINUTE_US)],
        "the company's customers, against somebody who takes all of them along; the table, which is read as a whole",
        "a list for each meeting of a day, and some that were wrong; then one in two hours",
        "the member themselves",
        "导出客户过于频繁";
    /// Files that a member sends.
    Uploads = "uploads", Person, Table, [rate(60, 5 * MINUTE_US)],
        "the inspector of files, and the bucket",
        "a card has 9 photos, a picture, a film and some dozens of voices",
        "the member themselves",
        "上传过于频繁";
    /// Bytes that a member sends, in tokens of a MiB.
    UploadBytes = "upload_bytes", Person, Table, [rate(1_024, 90 * SECOND_US)],
        "the bucket, and the inspector's time",
        "20 films of 50 MB at once, then about a GiB a day",
        "the member themselves",
        "上传文件总量已达上限";
    /// Bytes that a company sends, in tokens of a MiB: at least one for each file.
    CompanyUploadBytes = "company_upload_bytes", Company, Table, [rate(10_240, 9 * SECOND_US)],
        "money: storage and transfer",
        "10 GiB at once, for the launch of a company, then about 9 GiB a day",
        "ten members of the company together, each at the end of their own bytes; visitors send no files",
        "企业上传文件总量已达上限";
}

impl BudgetName {
    /// The budget.
    pub fn budget(self) -> &'static Budget {
        &BUDGETS[self as usize]
    }
}

impl BudgetRate {
    /// The time that tokens stand for.
    pub fn cost_us(&self, tokens: u64) -> i64 {
        self.token_us.saturating_mul(i64::try_from(tokens).unwrap_or(i64::MAX))
    }

    /// The time in which an empty bucket is full.
    pub fn full_after_us(&self) -> i64 {
        self.cost_us(self.capacity)
    }
}

impl Bucket {
    /// The bucket after tokens were taken.
    ///
    /// # Errors
    /// [`OverBudget`] if one of the rates has too few.
    pub fn spend(self, budget: &Budget, tokens: u64, now: Timestamp) -> Result<Self, OverBudget> {
        let now_us = micros(now);
        let (mut after, mut wait_us) = (self, 0);
        for (full_at, rate) in after.0.iter_mut().zip(budget.rates) {
            *full_at = (*full_at).max(now_us).saturating_add(rate.cost_us(tokens));
            wait_us = wait_us.max(*full_at - now_us - rate.full_after_us());
        }
        if wait_us > 0 { Err(OverBudget { budget: budget.name, wait_us }) } else { Ok(after) }
    }

    /// The bucket that has too few tokens for as long as this one had.
    pub fn lacking(over: OverBudget, tokens: u64, now: Timestamp) -> Self {
        let mut bucket = Self::default();
        for (full_at, rate) in bucket.0.iter_mut().zip(over.budget.budget().rates) {
            *full_at = micros(now) + over.wait_us + rate.full_after_us() - rate.cost_us(tokens);
        }
        bucket
    }

    /// Whether it is full: then it need not be kept.
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.0.iter().all(|full_at| *full_at <= micros(now))
    }
}

impl OverBudget {
    /// Seconds until the tokens are there, rounded up.
    pub fn retry_after_s(self) -> u32 {
        u32::try_from(self.wait_us.div_euclid(SECOND_US) + i64::from(self.wait_us % SECOND_US > 0)).unwrap_or(u32::MAX)
    }

    /// What the caller reads, in Chinese.
    pub fn detail(self) -> String {
        let seconds = self.retry_after_s();
        let wait = match seconds {
            0..=119 => format!("{seconds} 秒"),
            120..=7_199 => format!("{} 分钟", seconds.div_ceil(60)),
            _ => format!("{} 小时", seconds.div_ceil(3_600)),
        };
        format!("{}，请 {wait}后再试", self.budget.budget().detail)
    }
}

/// A moment in Unix microseconds, as buckets hold it.
pub fn micros(at: Timestamp) -> i64 {
    at.millis() * MILLISECOND_US
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
