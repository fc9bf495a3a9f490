//! Addresses of repositories, as they may be told to everybody.

/// A remote of git as a URI by which SPDX and SLSA know it: `git+https://host/path`. `None` for what isn't on a network, or might
/// hold a password where nobody looks for one.
pub fn repository(remote: &str) -> Option<String> {
    let (scheme, place) = match remote.split_once("://") {
        Some((scheme @ ("https" | "http" | "ssh" | "git"), place)) => (scheme, place.to_owned()),
        Some(_) => return None,
        // [user@]host:path, but no drive of Windows.
        None => match remote.split_once(':') {
            Some((host, path)) if host.len() > 1 && !host.contains('/') => {
                ("ssh", format!("{host}/{}", path.trim_start_matches('/')))
            }
            _ => return None,
        },
    };
    Some(format!("git+{scheme}://{}", public(&place)?))
}

/// A URL without user, password, query and fragment; what is none stays as it is. `None` if a password might be left.
pub fn without_credentials(url: &str) -> Option<String> {
    match url.split_once("://") {
        Some((scheme, place)) => Some(format!("{scheme}://{}", public(place)?)),
        None => Some(url.to_owned()),
    }
}

/// Host and path of what stands behind `://`.
fn public(place: &str) -> Option<String> {
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    // A password with an unescaped slash makes the rest of it a part of the path: `user:pass/word@host/path`.
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let is_plain = (host.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit())) && !path.contains('@');
    let is_uri = !host.is_empty() && place.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && is_uri).then(|| match path {
        "" => host.to_owned(),
        path => format!("{host}/{path}"),
    })
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
            "",
        ] {
            assert_eq!(repository(remote), None, "{remote}");
        }
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
