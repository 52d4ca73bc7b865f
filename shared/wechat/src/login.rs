//! Login: a code of `wx.login` becomes an openid.

use domain::kernel::text::{AppId, OpaqueText, OpenId, UnionId};
use serde::Deserialize;

use crate::transport::{AppSecret, WeChat, WeChatError};

/// A code of `wx.login`: single use, five minutes.
pub type LoginCode = OpaqueText<128>;

/// The person who logs in. The session key in the answer is not kept: nothing here needs it yet,
/// and it must never reach a client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Login {
    /// The person's id inside the mini-program.
    pub openid: OpenId,
    /// The person's id across mini-programs; only for those bound to an open-platform account.
    pub unionid: Option<UnionId>,
}

impl WeChat {
    /// The person whose code it is.
    ///
    /// # Errors
    /// [`WeChatError`]. After an unclear failure the client has to get a new code.
    pub async fn code_to_session(
        &self,
        appid: &AppId,
        secret: &AppSecret,
        code: &LoginCode,
    ) -> Result<Login, WeChatError> {
        let query = [
            ("appid", appid.as_str()),
            ("secret", secret.reveal()),
            ("js_code", code.as_str()),
            ("grant_type", "authorization_code"),
        ];
        self.send::<Login>(self.get("/sns/jscode2session", &query)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::vendor;

    async fn login(answer: &'static [&'static str]) -> Result<Login, WeChatError> {
        let (wechat, _asked) = vendor(answer);
        let (appid, code) = (AppId::parse("wx1").unwrap(), LoginCode::parse("c0de").unwrap());
        wechat.code_to_session(&appid, &AppSecret::new("s".to_owned()), &code).await
    }

    #[tokio::test]
    async fn a_good_code_gives_the_openid() {
        let found = login(&[r#"{"openid":"oABC-1_x","session_key":"k","errcode":0}"#]).await.unwrap();
        assert_eq!((found.openid.as_str(), found.unionid), ("oABC-1_x", None));
        let found = login(&[r#"{"openid":"oABC-1_x","unionid":"uXYZ","session_key":"k"}"#]).await.unwrap();
        assert_eq!(found.unionid.unwrap().as_str(), "uXYZ");
    }

    #[tokio::test]
    async fn a_used_code_and_rubbish_are_told_apart() {
        assert_eq!(
            login(&[r#"{"errcode":40163,"errmsg":"code been used, rid: 1"}"#]).await,
            Err(WeChatError::CodeInvalid(40163))
        );
        assert!(matches!(login(&["<html>"]).await, Err(WeChatError::Unavailable(_))));
        assert!(matches!(login(&["{}"]).await, Err(WeChatError::Unavailable(_))));
    }
}
