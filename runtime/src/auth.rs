//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256 by a secret that every service shares. Which one, a
//! token says itself: secrets are replaced one after the other, while tokens of both are about.

use crate::config::{self, Secret};
use crate::rotation::follow;
use chrono::{DateTime, Utc};
use events::{AccountId, WorkspaceId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, PoisonError, RwLock};
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
    keys: Arc<RwLock<Arc<Keys>>>,
}

struct Keys {
    config: config::Auth,
    signing: EncodingKey,
    header: Header,
    /// By their ids.
    accepted: Vec<(String, DecodingKey)>,
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
    /// Tokens under a secret. Where it came from a file, another takes its place when the file holds another.
    #[must_use]
    pub fn new(config: &config::Auth) -> Self {
        let tokens = Self { keys: Arc::new(RwLock::new(Arc::new(Keys::new(config.clone())))) };
        tokens.follow(&config.secret_key, "SYNCBOARD_SECRET_KEY", |config, secret_key| config.secret_key = secret_key);
        if let Some(keys) = &config.accepted_keys {
            tokens.follow(keys, "SYNCBOARD_ACCEPTED_KEYS", |config, keys| config.accepted_keys = Some(keys));
        }
        tokens
    }

    fn follow(&self, secret: &Secret, name: &'static str, set: fn(&mut config::Auth, Secret)) {
        let tokens = self.clone();
        follow(secret, name, move |secret| {
            let replaced = tokens.replace(|config| set(config, secret));
            async move { replaced.map_err(Into::into) }
        })
        .for_ever();
    }

    /// Goes on with other keys, if there is nothing wrong with them.
    fn replace(&self, change: impl FnOnce(&mut config::Auth)) -> Result<(), &'static str> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let mut config = keys.config.clone();
        change(&mut config);
        config.fault()?;
        *keys = Arc::new(Keys::new(config));
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
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
        let keys = self.keys();
        jsonwebtoken::encode(&keys.header, &claims, &keys.signing)
            .expect("claims are plain JSON and the key is symmetric")
    }

    /// Reads the `Authorization` header's value; `None` unless it is a bearer token that is valid now.
    #[must_use]
    pub fn verify(&self, authorization: &str, now: DateTime<Utc>) -> Option<Admitted> {
        let keys = self.keys();
        if let Some(admitted) = keys.verified.get(authorization) {
            return (now.timestamp() <= admitted.until).then_some(admitted);
        }
        let (scheme, token) = authorization.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let claims = keys.claims(token.trim())?;
        let admitted = Admitted { caller: Caller { account: claims.sub, workspace: claims.wsp }, until: claims.exp };
        keys.verified.insert(authorization.to_owned(), admitted);
        Some(admitted)
    }
}

impl Keys {
    fn new(config: config::Auth) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        let secret = config.secret_key.expose();
        let header = Header { kid: Some(id(secret)), ..Header::new(Algorithm::HS256) };
        let accepted = config.keys().map(|key| (id(key), DecodingKey::from_secret(key.as_bytes()))).collect();
        let signing = EncodingKey::from_secret(secret.as_bytes());
        Self { config, signing, header, accepted, validation, verified: Cache::new(VERIFIED) }
    }

    /// What a token says, if one of the keys has signed it: the one that it names, or any where it names none.
    fn claims(&self, token: &str) -> Option<Claims> {
        let named = jsonwebtoken::decode_header(token).ok()?.kid;
        let mut keys = self.accepted.iter().filter(|(id, _)| named.as_ref().is_none_or(|named| named == id));
        keys.find_map(|(_, key)| Some(jsonwebtoken::decode(token, key, &self.validation).ok()?.claims))
    }
}

/// What a key is called in the tokens that it signs: a quarter of a digest tells keys apart, and not what they are.
fn id(key: &str) -> String {
    let mut digest = events::content::sha256(format!("key of tokens: {key}").as_bytes());
    digest.truncate(16);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    fn tokens(secret: &str) -> Tokens {
        let secret_key = secret.parse().expect("every text is a secret");
        Tokens::new(&config::Auth::of(secret_key))
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

    #[test]
    fn a_key_is_replaced_while_tokens_of_the_one_before_are_about() {
        let (old, new) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
        let tokens = tokens(old);
        let account = AccountId::of_username("ada");
        let caller = Caller { account, workspace: account.personal_workspace() };
        let now = SystemClock.now();
        let token = || format!("Bearer {}", tokens.issue(caller, now, Duration::from_secs(60)));
        let is_valid = |token: &str| tokens.verify(token, now).is_some();
        let secret = |text: &str| text.parse::<Secret>().expect("every text is a secret");
        let accept = |keys: String| tokens.replace(|config| config.accepted_keys = Some(secret(&keys)));
        let sign = |key: &str| tokens.replace(|config| config.secret_key = secret(key));

        let before = token();
        assert!(is_valid(&before));
        accept(format!("{new}, {old}")).expect("they are long enough");
        assert_eq!(token(), before, "the next key does not sign yet");
        sign(new).expect("it is long enough");
        let after = token();
        assert_ne!(after, before);
        assert!(is_valid(&before) && is_valid(&after));
        assert!(sign("short").is_err() && accept(format!("{old},short")).is_err());
        assert_eq!(token(), after, "what is wrong changes nothing");
        accept(new.to_owned()).expect("it is long enough");
        assert!(!is_valid(&before), "a token that was verified before ends with its key");
        assert!(is_valid(&after));
    }

    #[test]
    fn a_token_that_names_no_key_is_one_of_an_earlier_version() {
        let account = AccountId::of_username("ada");
        let now = SystemClock.now();
        let claims =
            Claims { sub: account, wsp: account.personal_workspace(), iat: now.timestamp(), exp: now.timestamp() + 60 };
        let secret = "0123456789abcdef0123456789abcdef";
        let key = EncodingKey::from_secret(secret.as_bytes());
        let token = |header: &Header| jsonwebtoken::encode(header, &claims, &key).expect("plain JSON");
        let nameless = Header::new(Algorithm::HS256);
        let of_another = Header { kid: Some(id("another")), ..nameless.clone() };
        assert!(tokens(secret).verify(&format!("Bearer {}", token(&nameless)), now).is_some());
        assert!(tokens(secret).verify(&format!("Bearer {}", token(&of_another)), now).is_none());
    }
}
