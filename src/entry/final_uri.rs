use http::Uri;

/// In the extensions of a response: the URI that it came from, after the redirects that an HTTP client followed.
///
/// It is the one extension that is stored with a response, so that an answer from memory tells it as well.
/// `ReqwestService` (feature `reqwest`) gives its responses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalUri(pub Uri);

impl FinalUri {
    /// The same in memory of its own: another one's might be a slice of a large buffer.
    pub(crate) fn owned(&self) -> Option<Self> {
        self.0.to_string().parse().map(Self).ok()
    }

    pub(super) fn weight(&self) -> usize {
        let Self(uri) = self;
        uri.authority().map_or(0, |authority| authority.as_str().len())
            + uri.path_and_query().map_or(0, |path| path.as_str().len())
    }
}
