use http_body::Body as _;
use tokio_test::{assert_pending, task};

use super::*;
use crate::event::Reason;

fn next(reader: &mut SpoolReader) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    Pin::new(reader).poll_frame(&mut Context::from_waker(Waker::noop()))
}

fn data(reader: &mut SpoolReader) -> String {
    match next(reader) {
        Poll::Ready(Some(Ok(frame))) => {
            String::from_utf8(frame.into_data().expect("data").to_vec()).expect("text")
        }
        other => panic!("no data but {other:?}"),
    }
}

#[test]
fn every_reader_reads_everything_at_its_own_pace() {
    let spool = Spool::new(Some(6));
    let mut early = spool.reader().expect("open");
    assert!(next(&mut early).is_pending());
    spool.push("abc".into());
    assert_eq!(data(&mut early), "abc");
    let mut late = spool.reader().expect("open");
    spool.push("def".into());
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", http::HeaderValue::from_static("6"));
    spool.end(Ok(Some(trailers)));
    for (reader, rest) in [(&mut early, vec!["def"]), (&mut late, vec!["abc", "def"])] {
        for expected in rest {
            assert_eq!(data(reader), expected);
        }
        let Poll::Ready(Some(Ok(last))) = next(reader) else { panic!("no trailers") };
        assert_eq!(last.into_trailers().expect("trailers")["x-sum"], "6");
        assert!(matches!(next(reader), Poll::Ready(None)));
    }
}

#[test]
fn a_reader_is_woken_by_data_and_by_the_end() {
    let spool = Spool::new(None);
    let mut reader = spool.reader().expect("open");
    let mut task = task::spawn(());
    assert!(task.enter(|cx, _| Pin::new(&mut reader).poll_frame(cx)).is_pending());
    spool.push("a".into());
    assert!(task.is_woken());
    assert_eq!(data(&mut reader), "a");
    assert!(task.enter(|cx, _| Pin::new(&mut reader).poll_frame(cx)).is_pending());
    spool.end(Err(BodyError::new(Reason::Aborted)));
    assert!(task.is_woken());
    assert!(matches!(next(&mut reader), Poll::Ready(Some(Err(_)))));
    assert!(matches!(next(&mut reader), Poll::Ready(None)));
}

#[test]
fn readers_go_on_where_they_stand_in_what_is_stored() {
    let spool = Spool::new(None);
    let (mut early, mut late) = (spool.reader().expect("open"), spool.reader().expect("open"));
    spool.push("abc".into());
    spool.push("def".into());
    assert_eq!(data(&mut early), "abc");
    spool.end_stored(["abcd".into(), "ef".into()], None);
    for (reader, rest) in [(&mut early, vec!["d", "ef"]), (&mut late, vec!["abcd", "ef"])] {
        for expected in rest {
            assert_eq!(data(reader), expected);
        }
        assert!(matches!(next(reader), Poll::Ready(None)));
    }
}

#[test]
fn a_window_holds_the_producer_to_the_slowest_reader() {
    let spool = Spool::new(None);
    let (mut fast, mut slow) = (spool.reader().expect("open"), spool.reader().expect("open"));
    spool.push("1234".into());
    spool.open_window();
    assert!(spool.reader().is_none(), "a windowed spool has no beginning to offer");
    let mut room = task::spawn(futures_util::future::poll_fn(|cx| spool.poll_room(4, cx)));
    assert_eq!(data(&mut fast), "1234");
    assert_pending!(room.poll());
    assert_eq!(data(&mut slow), "1234");
    assert!(room.is_woken());
    assert_eq!(room.poll(), Poll::Ready(Room::More));
}

#[test]
fn who_stands_still_is_given_up_and_the_others_go_on() {
    let spool = Spool::new(None);
    let (mut fast, mut slow) = (spool.reader().expect("open"), spool.reader().expect("open"));
    spool.open_window();
    spool.push("12".into());
    assert_eq!(data(&mut fast), "12");
    spool.fail_slowest(&BodyError::new(Reason::BodyTimeout));
    assert!(matches!(next(&mut slow), Poll::Ready(Some(Err(_)))));
    spool.push("34".into());
    spool.end(Ok(None));
    assert_eq!(data(&mut fast), "34");
    assert!(matches!(next(&mut fast), Poll::Ready(None)));
    drop((fast, slow));
    let mut room = task::spawn(futures_util::future::poll_fn(|cx| spool.poll_room(4, cx)));
    assert_eq!(room.poll(), Poll::Ready(Room::NoReaders));
}

/// Whether the body says that it is over, and how long it says the rest of it is.
fn says(reader: &SpoolReader) -> (bool, u64, Option<u64>) {
    let hint = reader.size_hint();
    (reader.is_end_stream(), hint.lower(), hint.upper())
}

#[test]
fn a_body_knows_how_much_of_it_is_to_come() {
    let read = [(false, 2, Some(2)), (true, 0, Some(0))];
    for (promised, at_first) in [
        (None, [(false, 0, None), (false, 4, None), (false, 2, None)]),
        (Some(4), [(false, 4, Some(4)), (false, 4, Some(4)), (false, 2, Some(2))]),
    ] {
        let spool = Spool::new(promised);
        let mut reader = spool.reader().expect("open");
        let mut said = vec![says(&reader)];
        spool.push("ab".into());
        spool.push("cd".into());
        said.push(says(&reader));
        data(&mut reader);
        said.push(says(&reader));
        spool.end(Ok(None));
        said.push(says(&reader));
        data(&mut reader);
        said.push(says(&reader));
        assert_eq!(said, [&at_first[..], &read].concat(), "{promised:?}");
    }
}

#[test]
fn a_body_is_not_over_while_its_trailers_or_its_error_are_to_come() {
    let error = || BodyError::new(Reason::BodyTimeout);
    let trailers = |spool: &Spool| spool.end(Ok(Some(HeaderMap::new())));
    let failed = |spool: &Spool| spool.end(Err(error()));
    let given_up = |spool: &Spool| {
        spool.fail_slowest(&error());
        spool.end(Ok(None));
    };
    for (title, end, length) in [
        // With a length it could not have them.
        ("trailers", &trailers as &dyn Fn(&Spool), None),
        ("an error", &failed, None),
        ("an error of the reader's own", &given_up, Some(0)),
    ] {
        let spool = Spool::new(None);
        let mut reader = spool.reader().expect("open");
        end(&spool);
        assert_eq!(says(&reader), (false, 0, length), "{title}");
        assert!(matches!(next(&mut reader), Poll::Ready(Some(_))), "{title}");
        assert!(reader.is_end_stream(), "{title}");
    }
}
