//! The private Redis: a cache that keeps nothing.

use crate::data::{Data, Secrets, write_private};
use crate::find::Found;
use crate::process::Spec;

/// How the server is started; writes its configuration.
pub(crate) fn spec(found: &Found, port: u16, data: &Data, secrets: &Secrets) -> anyhow::Result<Spec> {
    let path = data.path.join("redis.conf");
    let configuration = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {}\nsave \"\"\nappendonly no\n\
         maxmemory 256mb\nmaxmemory-policy allkeys-lru\ndir {:?}\n",
        secrets.redis, data.path
    );
    write_private(&path, configuration.as_bytes())?;
    Ok(Spec::new("redis-server", &found.program, data.log("redis-server")).args([path]))
}
