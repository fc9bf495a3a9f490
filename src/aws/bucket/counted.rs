//! Bodies that count what is sent of them, for the progress display.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use http_body::{Body, Frame, SizeHint};
use lambda_pack_core::{Meter, Work};

/// Counts each byte once, however often the body is sent.
pub fn counted(stream: ByteStream, meter: &'static Meter) -> ByteStream {
    let most = Arc::new(AtomicU64::new(0));
    let body = stream.into_inner().map_preserve_contents(move |body| {
        SdkBody::from_body_1_x(Counted {
            body,
            sent: 0,
            most: Arc::clone(&most),
            meter,
        })
    });
    ByteStream::new(body)
}

struct Counted {
    body: SdkBody,
    sent: u64,
    /// Of all tries.
    most: Arc<AtomicU64>,
    meter: &'static Meter,
}

impl Body for Counted {
    type Data = <SdkBody as Body>::Data;
    type Error = <SdkBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.sent += data.len() as u64;
            let before = self.most.fetch_max(self.sent, Ordering::Relaxed);
            // Whether to stop is looked at elsewhere, where a request can be dropped.
            self.meter.add(Work::Upload, self.sent.saturating_sub(before)).ok();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.body)
    }
}
