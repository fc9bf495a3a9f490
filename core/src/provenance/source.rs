//! Addresses of repositories, as they may be told to everybody.

use url::Url;

/// A remote of git as a URI by which SPDX and SLSA know it: `git+https://host/path`. `None` for what isn't on a network, or might
/// hold a password where nobody looks for one.
pub fn repository(remote: &str) -> Option<String> {
    let (scheme, address) = match remote.split_once("://") {
        Some((scheme @ ("https" | "http" | "ssh" | "git"), _)) => (scheme, remote.to_owned()),
        Some(_) => return None,
        // [user@]host:path, but no drive of Windows.
        None => match remote.split_once(':') {
            Some((host, path)) if host.len() > 1 && !host.contains('/') => {
                ("ssh", format!("ssh://{host}/{}", path.trim_start_matches('/')))
            }
            _ => return None,
        },
    };
    Some(format!("git+{scheme}://{}", public(&address)?))
}

/// The address of a page without user, password, query and fragment. `None` if it is none, or a password might be left.
pub fn without_credentials(address: &str) -> Option<String> {
    let (scheme @ ("https" | "http"), _) = address.split_once("://")? else {
        return None;
    };
    Some(format!("{scheme}://{}", public(address)?))
}

/// Host and path of an address.
fn public(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|_| is_of_uri(address))?;
    let host = url.host_str().filter(|host| !host.is_empty() && !host.contains('%'))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = if url.path() == "/" { "" } else { url.path() };
    // A password with an unescaped slash makes the rest of it a part of the path: `user:pass/word@host/path`.
    (!holds_at(path)).then(|| format!("{host}{port}{path}"))
}

/// Whether this may stand in a statement as the id of a builder: the address of a page, a URN or an ARN, in which there is no place for credentials. Behind
/// `@` in a path GitHub has the branch of a workflow.
pub fn is_builder_id(id: &str) -> bool {
    if !is_of_uri(id) {
        return false;
    }
    if let Some(rest) = id.strip_prefix("urn:").or_else(|| id.strip_prefix("arn:")) {
        return !rest.is_empty() && !rest.contains(['@', '%', '?', '#']);
    }
    let Some(("https" | "http", rest)) = id.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let is_plain = |url: Url| {
        let host = url.host_str().unwrap_or_default();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        !host.is_empty() && is_anonymous && url.query().is_none() && url.fragment().is_none()
    };
    !authority.contains(['@', '%']) && !holds_escaped_at(rest) && Url::parse(id).is_ok_and(is_plain)
}

/// Whether a text has nothing that a URI can't have: spaces, quotes, letters with accents and the like.
pub fn is_of_uri(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

fn holds_at(text: &str) -> bool {
    text.contains('@') || holds_escaped_at(text)
}

fn holds_escaped_at(text: &str) -> bool {
    text.contains("%40")
}

/// Whether a URI in a statement is the repository that somebody names: with or without scheme, user and `.git`, as people copy it; a
/// `@refs/…` counts if it is named.
pub fn is_same_source(stated: &str, named: &str) -> bool {
    let (stated_place, stated_reference) = parts(stated);
    let (named_place, named_reference) = parts(named);
    stated_place == named_place && named_reference.is_none_or(|reference| stated_reference == Some(reference))
}

/// Host and path, and the reference.
fn parts(uri: &str) -> (String, Option<&str>) {
    let (place, reference) = match uri.rfind("@refs/") {
        Some(at) => (&uri[..at], Some(&uri[at + 1..])),
        None => (uri, None),
    };
    let as_remote = place.strip_prefix("git+").unwrap_or(place);
    let repository = repository(as_remote).or_else(|| repository(&format!("https://{as_remote}")));
    let place = repository.as_deref().unwrap_or(as_remote);
    let place = place.split_once("://").map_or(place, |(_, place)| place);
    let place = place.trim_end_matches('/');
    let place = place.strip_suffix(".git").unwrap_or(place);
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    (format!("{}/{path}", host.to_ascii_lowercase()), reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_named_without_credentials() {
        for (remote, uri) in [
            ("https://github.com/o/r", "git+https://github.com/o/r"),
            ("https://github.com/o/r.git", "git+https://github.com/o/r.git"),
            ("https://user:pass@github.com/o/r.git", "git+https://github.com/o/r.git"),
            ("https://pass@github.com/o/r", "git+https://github.com/o/r"),
            (
                "https://us@er:p@ss@github.com:8443/o/r",
                "git+https://github.com:8443/o/r",
            ),
            ("https://github.com/o/r?token=pass#pass", "git+https://github.com/o/r"),
            ("ssh://git@host:22/o/r", "git+ssh://host:22/o/r"),
            ("git@github.com:o/r.git", "git+ssh://github.com/o/r.git"),
            ("host:/srv/r.git", "git+ssh://host/srv/r.git"),
            ("https://u:pass@[::1]:80/r", "git+https://[::1]:80/r"),
        ] {
            assert_eq!(repository(remote).as_deref(), Some(uri), "{remote}");
        }
        for remote in [
            "/home/me/r",
            "../r",
            "C:\\r",
            "C:/r",
            "file:///home/me/r",
            "ext::sh -c pass",
            "https://",
            "https://user:pa/ss@host/r",
            "https://pa/ss@host/r",
            "https://host/a b",
            "https://host/a%40b",
            "ssh://u%3Ap%40host/r",
            "https:u:p@host/r",
            "",
        ] {
            assert_eq!(repository(remote), None, "{remote}");
        }
    }

    #[test]
    fn ids_of_builders_have_no_place_for_credentials() {
        for id in [
            "https://github.com/o/r/.github/workflows/build.yml@refs/heads/main",
            "https://jenkins.example.com:8443/job/shop",
            "http://[::1]/x",
            "urn:lambda-pack:builder:local",
            "arn:aws:codebuild:eu-west-1:123456789012:project/shop",
        ] {
            assert!(is_builder_id(id), "{id}");
        }
        for id in [
            "https:u:p@h",
            "https:/u:p@h",
            "https:///u:p@h",
            "https://u:p@h/x",
            "https://u@h",
            "https://@h",
            "https://u%3Ap%40h/",
            "https://h/u%3Ap%40x",
            "https://h/x?token=p",
            "https://h/x#p",
            "https://h:p/x",
            "https://u:pa/ss@h/x",
            "https://",
            "mailto:a@b",
            "urn:x?p",
            "arn:a@b",
            "urn:",
            "data:text,p",
            "jenkins",
            "://x",
            "https://h/größe",
            "",
        ] {
            assert!(!is_builder_id(id), "{id}");
        }
        assert_eq!(without_credentials("gitlab.example.com/x"), None);
        assert_eq!(without_credentials("https:u:p@h"), None);
        assert_eq!(
            without_credentials("https://u:p@h/x?y#z").as_deref(),
            Some("https://h/x")
        );
    }

    #[test]
    fn a_repository_is_known_however_it_is_written() {
        let stated = "git+https://github.com/o/r.git@refs/heads/main";
        for named in [
            "github.com/o/r",
            "https://GitHub.com/o/r/",
            "git@github.com:o/r.git",
            "git+https://github.com/o/r@refs/heads/main",
            stated,
        ] {
            assert!(is_same_source(stated, named), "{named}");
        }
        for named in [
            "github.com/o/r2",
            "github.com/O/r",
            "example.com/o/r",
            "github.com/o/r@refs/heads/other",
            "o/r",
            "",
        ] {
            assert!(!is_same_source(stated, named), "{named}");
        }
    }
}
