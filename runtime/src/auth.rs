//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256 by a secret that every service shares.

use crate::config;
use chrono::{DateTime, Utc};
use events::{AccountId, WorkspaceId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How many verified tokens are kept in memory.
const VERIFIED: usize = 4_096;

/// Who is calling, as a valid token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The workspace that it works in: its own.
    pub workspace: WorkspaceId,
}

/// A caller, and until when the credential that names it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Who.
    pub caller: Caller,
    /// Seconds since 1970 (UTC), the last in which it is valid.
    pub until: i64,
}

/// Makes and reads tokens; clones share the keys.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<Keys>,
}

struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// Headers whose signature was found right, whole, with their caller and end.
    verified: Cache<String, Admitted>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: AccountId,
    wsp: WorkspaceId,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// Tokens under a secret.
    #[must_use]
    pub fn new(config: &config::Auth) -> Self {
        let secret = config.secret_key.expose().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 5;
        let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        let keys = Keys { encoding, decoding, validation, verified: Cache::new(VERIFIED) };
        Self { keys: Arc::new(keys) }
    }

    /// Makes a token that ends after a time.
    ///
    /// # Panics
    /// Never: HMAC with these claims cannot fail.
    #[must_use]
    pub fn issue(&self, caller: Caller, now: DateTime<Utc>, lifetime: Duration) -> String {
        let iat = now.timestamp();
        let exp = iat.saturating_add_unsigned(lifetime.as_secs());
        let claims = Claims { sub: caller.account, wsp: caller.workspace, iat, exp };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.keys.encoding)
            .expect("claims are plain JSON and the key is symmetric")
    }

    /// Reads the `Authorization` header's value; `None` unless it is a bearer token that is valid now.
    #[must_use]
    pub fn verify(&self, authorization: &str, now: DateTime<Utc>) -> Option<Admitted> {
        if let Some(admitted) = self.keys.verified.get(authorization) {
            return (now.timestamp() <= admitted.until).then_some(admitted);
        }
        let (scheme, token) = authorization.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let claims =
            jsonwebtoken::decode::<Claims>(token.trim(), &self.keys.decoding, &self.keys.validation).ok()?.claims;
        let admitted = Admitted { caller: Caller { account: claims.sub, workspace: claims.wsp }, until: claims.exp };
        self.keys.verified.insert(authorization.to_owned(), admitted);
        Some(admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    fn tokens(secret: &str) -> Tokens {
        let secret_key = secret.parse().expect("every text is a secret");
        Tokens::new(&config::Auth { secret_key })
    }

    #[test]
    fn a_token_names_its_caller_until_it_ends() {
        let account = AccountId::of_username("ada");
        let caller = Caller { account, workspace: account.personal_workspace() };
        let (mine, other) = (tokens("0123456789abcdef0123456789abcdef"), tokens("another secret of the same length"));
        let now = SystemClock.now();
        let token = mine.issue(caller, now, Duration::from_secs(60));
        let admitted = Admitted { caller, until: now.timestamp() + 60 };
        assert_eq!(mine.verify(&format!("Bearer {token}"), now), Some(admitted));
        let later = now + chrono::Duration::seconds(61);
        assert_eq!(mine.verify(&format!("Bearer {token}"), later), None, "a token that was verified before ends too");
        assert_eq!(other.verify(&format!("Bearer {token}"), now), None);
        assert_eq!(mine.verify(&token, now), None);
        let ended = mine.issue(caller, now - chrono::Duration::seconds(120), Duration::from_secs(60));
        assert_eq!(mine.verify(&format!("Bearer {ended}"), now), None);
    }
}
