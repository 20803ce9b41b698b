//! What unreel says of real files, against what ffprobe says of them.
//!
//! The files are made by `FFmpeg`, `SoX` and `eSpeak NG`. Where a tool is missing, its tests pass and
//! say on stderr that they did nothing.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Desk, VOICE, digest_of, has, sha256, skip};
use serde_json::Value;
use unreel::internals::media::{PACKET, Probe, SEGMENT, damaged_head, hms, sniff};
use unreel::{Container, Media, Note, Sniff};

/// Sound and pictures, four seconds each.
const TONE: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:duration=4"];
const SCENE: &[&str] = &[
    "-f",
    "lavfi",
    "-i",
    "testsrc=duration=4:size=160x120:rate=15",
];

#[test]
fn ffmpeg_sound() {
    for (name, options, container) in [
        ("pcm.wav", "-ac 2 -ar 8000", Container::Wav),
        ("pcm24.wav", "-c:a pcm_s24le -ar 44100", Container::Wav),
        ("float.wav", "-c:a pcm_f32le -ac 2", Container::Wav),
        ("alaw.wav", "-c:a pcm_alaw -ac 2 -ar 8000", Container::Wav),
        ("mulaw.wav", "-c:a pcm_mulaw -ac 1 -ar 8000", Container::Wav),
        ("extensible.wav", "-c:a pcm_s16le -ac 6", Container::Wav),
        ("opus.mka", "-c:a libopus -ac 1", Container::Matroska),
        ("vorbis.mka", "-c:a libvorbis -ac 2", Container::Matroska),
        ("pcm.mka", "-c:a pcm_s16le -ar 16000", Container::Matroska),
        ("opus.webm", "-c:a libopus -ac 2", Container::WebM),
        ("aac.m4a", "-c:a aac -ar 32000 -ac 2", Container::Mp4),
        ("vbr.mp3", "-c:a libmp3lame -q:a 4", Container::Mp3),
        (
            "cbr.mp3",
            "-b:a 64k -ar 22050 -ac 1 -write_xing 0",
            Container::Mp3,
        ),
        (
            "bare.mp3",
            "-b:a 32k -ar 8000 -id3v2_version 0 -write_xing 0",
            Container::Mp3,
        ),
        ("opus.ogg", "-c:a libopus -ac 2", Container::Ogg),
        ("vorbis.ogg", "-c:a libvorbis -ac 2", Container::Ogg),
        ("aac.ts", "-c:a aac -ac 2", Container::MpegTs),
        ("mp2.ts", "-c:a mp2 -ar 48000", Container::MpegTs),
    ] {
        compare(name, &[TONE], options, container);
    }
}

#[test]
fn ffmpeg_pictures() {
    const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    for (name, options, container) in [
        (
            "vp8.mkv",
            "-c:v libvpx -deadline realtime -c:a libopus",
            Container::Matroska,
        ),
        (
            "h264.mkv",
            &format!("{H264} -c:a libopus"),
            Container::Matroska,
        ),
        (
            "live.webm",
            "-c:v libvpx -c:a libopus -live 1",
            Container::WebM,
        ),
        (
            "vp8.webm",
            "-c:v libvpx -deadline realtime -c:a libvorbis",
            Container::WebM,
        ),
        ("end.mp4", &format!("{H264} -c:a aac"), Container::Mp4),
        (
            "start.mp4",
            &format!("{H264} -c:a aac -movflags +faststart"),
            Container::Mp4,
        ),
        (
            "h264.ts",
            &format!("{H264} -bf 2 -c:a aac -ac 2"),
            Container::MpegTs,
        ),
        ("mpeg2.ts", "-c:v mpeg2video -c:a mp2", Container::MpegTs),
        // The 33-bit clock goes round after half of it.
        (
            "wrap.ts",
            &format!("{H264} -c:a aac -output_ts_offset 95440.3"),
            Container::MpegTs,
        ),
    ] {
        compare(name, &[SCENE, TONE], options, container);
    }
}

#[test]
fn sox_and_speech() {
    let folder = tempfile::tempdir().unwrap();
    let seconds = |path: &Path| {
        let media = probe(&fs_err::read(path).unwrap());
        assert_eq!(media.container, Some(Container::Wav));
        assert_eq!(media.notes, []);
        (media.describe(), media.duration.unwrap())
    };

    let path = folder.path().join("sox.wav");
    if run(
        "sox",
        &format!(
            "-n -r 8000 -c 2 -e a-law {} synth 3 sine 300",
            path.display()
        ),
    )
    .is_some()
    {
        let three = Duration::from_secs(3);
        assert_eq!(seconds(&path), ("WAV A-law 8 kHz stereo".to_owned(), three));

        // Into a pipe, where the writer does not know the length in advance.
        let piped = run("sox", "-n -r 8000 -c 1 -b 16 -t wav - synth 3 sine 300").unwrap();
        fs_err::write(&path, piped).unwrap();
        assert_eq!(seconds(&path), ("WAV PCM16 8 kHz mono".to_owned(), three));
    }

    let path = folder.path().join("speech.wav");
    if run("espeak-ng", &format!("-w {} recorded", path.display())).is_some() {
        assert_eq!(seconds(&path).0, "WAV PCM16 22.05 kHz mono");
    }
}

#[test]
fn ffmpeg_into_a_pipe() {
    let inputs = TONE.join(" ");
    for (options, container) in [
        ("-ar 8000 -f wav", Container::Wav),
        ("-c:a libopus -f webm", Container::WebM),
        (
            "-c:a aac -f mp4 -movflags frag_keyframe+empty_moov",
            Container::Mp4,
        ),
    ] {
        let Some(file) = run("ffmpeg", &format!("-v error {inputs} {options} -")) else {
            return;
        };
        let media = probe(&file);
        assert_eq!(media.container, Some(container));
        assert_eq!(media.notes, []);
        assert!(media.audio.is_some());
    }
}

#[test]
fn damage_is_noted() {
    let Some(path) = make("damage.ts", &[SCENE, TONE], "-c:v mpeg2video -c:a aac") else {
        return;
    };
    let file = fs_err::read(path.1).unwrap();
    let at = file.len() / 2 / PACKET * PACKET;

    // A wrong IV.
    let mut damaged = file.clone();
    damaged[..16].fill(0xA5);
    let media = probe(&damaged);
    assert_eq!(media.container, None);
    assert_eq!(media.damaged, Some(Container::MpegTs));

    // A block of ciphertext lost.
    let mut damaged = file.clone();
    damaged.drain(at..at + 16);
    let media = probe(&damaged);
    assert!(matches!(media.notes[0], Note::SyncLost { first, .. } if first == at as u64));

    // Bits turned over in a block that a packet starts in.
    let mut damaged = file.clone();
    damaged[at..at + 16].fill(0xA5);
    let media = probe(&damaged);
    let (packets, first) = (1, at as u64);
    assert_eq!(media.notes, [Note::SyncLost { packets, first }]);
    assert_eq!(hms(media.duration.unwrap()), "00:00:04");
}

/// Files of every muxer that is there, and their names: seekable ones, live ones, fragments.
fn muxed() -> Vec<(&'static str, Option<Vec<u8>>)> {
    const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";
    const VP8: &str = "-c:v libvpx -deadline realtime -c:a libopus";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let inputs = [SCENE, TONE].concat().join(" ");
    let ffmpeg = |name: &str, options: &str| {
        let path = at(name);
        let arguments = format!("-v error {inputs} {options} {path}");
        run("ffmpeg", &arguments).map(|_| fs_err::read(path).unwrap())
    };
    let piped = |options: &str| run("ffmpeg", &format!("-v error {inputs} {options} -"));
    let other = |tool: &str, name: &str, arguments: &str| {
        run(tool, arguments).map(|_| fs_err::read(at(name)).unwrap())
    };
    let frag = "-f mp4 -movflags frag_keyframe+empty_moov+default_base_moof";
    let dash = "-f mp4 -movflags dash+frag_keyframe+empty_moov+global_sidx";
    let mut files = vec![
        ("mkv", ffmpeg("a.mkv", VP8)),
        ("webm", ffmpeg("a.webm", VP8)),
        (
            "cues in front",
            ffmpeg(
                "b.mkv",
                &format!("{VP8} -cues_to_front 1 -reserve_index_space 9999"),
            ),
        ),
        ("live webm", ffmpeg("c.webm", &format!("{VP8} -live 1"))),
        (
            "live webm, small clusters",
            piped(&format!("{VP8} -live 1 -cluster_time_limit 300 -f webm")),
        ),
        ("piped mkv", piped(&format!("{VP8} -f matroska"))),
        ("mp4", ffmpeg("a.mp4", H264)),
        (
            "fast start",
            ffmpeg("b.mp4", &format!("{H264} -movflags +faststart")),
        ),
        (
            "reserved index",
            ffmpeg("c.mp4", &format!("{H264} -moov_size 100000")),
        ),
        ("mov", ffmpeg("a.mov", H264)),
        ("fragments", piped(&format!("{H264} {frag}"))),
        (
            "fragments without trailer",
            piped(&format!("{H264} {frag}+skip_trailer")),
        ),
        ("dash", piped(&format!("{H264} {dash}"))),
    ];
    let (mkv, webm, mp4) = (at("a.mkv"), at("a.webm"), at("a.mp4"));
    if files.iter().all(|(_, file)| file.is_some()) {
        let (out, live) = (at("m.mkv"), at("l.webm"));
        files.push((
            "mkvmerge",
            other("mkvmerge", "m.mkv", &format!("-q -o {out} {mkv}")),
        ));
        let options = format!("-q -w --disable-lacing --cluster-length 500ms -o {live} {webm}");
        files.push(("mkvmerge webm", other("mkvmerge", "l.webm", &options)));
        // The muxers of GStreamer, which Vonage and others use; `streamable` cannot seek back.
        for (name, muxer) in [
            ("g.mkv", "matroskamux"),
            ("g-live.mkv", "matroskamux streamable=true"),
            ("g.webm", "webmmux"),
            ("g-live.webm", "webmmux streamable=true"),
        ] {
            let pipeline = format!(
                "-q videotestsrc num-buffers=60 ! vp8enc deadline=1 ! queue ! {muxer} name=mux \
                 ! filesink location={} audiotestsrc num-buffers=90 ! vorbisenc ! queue ! mux.",
                at(name)
            );
            files.push((name, other("gst-launch-1.0", name, &pipeline)));
        }
        for (name, muxer) in [
            ("g.mp4", "mp4mux"),
            ("g-frag.mp4", "mp4mux fragment-duration=500"),
            (
                "g-stream.mp4",
                "mp4mux fragment-duration=500 streamable=true",
            ),
            ("g-fast.mp4", "mp4mux faststart=true"),
            ("g.mov", "qtmux"),
        ] {
            let pipeline = format!(
                "-q filesrc location={mp4} ! qtdemux name=in in.video_0 ! h264parse ! queue \
                 ! {muxer} ! filesink location={}",
                at(name)
            );
            files.push((name, other("gst-launch-1.0", name, &pipeline)));
        }
    }
    files
}

/// What other muxers write is whole; with anything behind it, or without its end, it is not.
#[test]
fn a_file_is_as_long_as_it_says() {
    for (name, file) in muxed() {
        let Some(file) = file else { continue };
        let notes = |file: &[u8]| probe(file).notes;
        let length = file.len() as u64;
        assert!(probe(&file).container.is_some(), "{name}");
        assert_eq!(notes(&file), [], "{name}");
        // Chance may make a box of what is behind the end, but none that fits.
        let is_told = |notes: &[Note]| {
            use Note::{Repeated, Stray, Truncated};
            let told =
                |note: &Note| matches!(note, Repeated { .. } | Stray { .. } | Truncated { .. });
            notes.iter().any(told)
        };
        let twice = notes(&file.repeat(2));
        assert!(
            twice.contains(&Note::Repeated { at: length }),
            "{name}: {twice:?}"
        );
        // The last pair of blocks again, as CBC decrypts it.
        for count in 1..=16_u8 {
            let last = &file[file.len() - usize::from(16 - count)..];
            let padding = vec![count; count.into()];
            let repeated = [&file[..], &padding, b"\x93\x1f0123456789abcd", last].concat();
            assert!(is_told(&notes(&repeated)), "{name}");
        }
        let cut = notes(&file[..file.len() - 5]);
        assert!(is_told(&cut), "{name}: {cut:?}");
    }
}

/// Makes a file and compares what unreel and ffprobe say of it.
fn compare(name: &str, inputs: &[&[&str]], options: &str, container: Container) {
    let Some((_folder, path)) = make(name, inputs, options) else {
        return;
    };
    let file = fs_err::read(&path).unwrap();
    let media = probe(&file);
    let Some(theirs) = run(
        "ffprobe",
        &format!(
            "-v error -of json -show_format -show_streams {}",
            path.display()
        ),
    ) else {
        return;
    };
    let theirs: Value = serde_json::from_slice(&theirs).unwrap();

    assert_eq!(media.container, Some(container), "{name}");
    assert_eq!(Some(media.extension), name.rsplit('.').next(), "{name}");
    assert_eq!(media.notes, [], "{name}");
    assert_eq!(
        sniff(&file[..4096]),
        Some(Sniff::Plain(container)),
        "{name}"
    );
    let stream = |kind: &str| {
        let streams = theirs["streams"].as_array().unwrap();
        streams.iter().find(|s| s["codec_type"] == kind)
    };
    // An index at the end is out of sight, if the file is long enough.
    if name == "end.mp4" && media.audio.is_none() {
        return;
    }
    let codec = |kind: &str| Some(stream(kind)?["codec_name"].as_str().unwrap().to_owned());
    let ours = |codec: &Option<_>| codec.as_ref().map(ffmpeg_name);
    assert_eq!(ours(&media.video), codec("video"), "{name}");
    assert_eq!(ours(&media.audio), codec("audio"), "{name}");
    let sound = stream("audio").unwrap();
    let rate = media.sample_rate.map(|rate| rate.to_string());
    assert_eq!(rate.as_deref(), sound["sample_rate"].as_str(), "{name}");
    assert_eq!(
        media.channels.map(u64::from),
        sound["channels"].as_u64(),
        "{name}"
    );
    let seconds = theirs["format"]["duration"]
        .as_str()
        .map(|s| s.parse::<f64>().unwrap());
    match (media.duration, seconds) {
        (Some(ours), Some(theirs)) => {
            let ours = ours.as_secs_f64();
            assert!(
                (ours - theirs).abs() <= theirs * 0.05,
                "{name}: {ours} s, not {theirs} s"
            );
        }
        (ours, theirs) => assert!(
            container == Container::Ogg || name.starts_with("live"),
            "{name}: {ours:?}, not {theirs:?}"
        ),
    }

    let mut start = file[..4096].to_vec();
    start[..16].fill(0xA5);
    let tellable = !matches!(container, Container::Mp3);
    let family = damaged_head(&start).map(|found| match found {
        Container::WebM => Container::Matroska,
        found => found,
    });
    let expected = match container {
        Container::WebM => Container::Matroska,
        other => other,
    };
    assert_eq!(family, tellable.then_some(expected), "{name}");
}

fn ffmpeg_name(codec: &unreel::Codec) -> String {
    match codec.to_string().as_str() {
        "PCM16" => "pcm_s16le",
        "PCM24" => "pcm_s24le",
        "float32" => "pcm_f32le",
        "A-law" => "pcm_alaw",
        "mu-law" => "pcm_mulaw",
        "mpeg-video" => "mpeg2video",
        same => same,
    }
    .to_owned()
}

fn probe(file: &[u8]) -> Media {
    let mut probe = Probe::new();
    for (i, segment) in file.chunks(SEGMENT).enumerate() {
        probe.segment((i * SEGMENT) as u64, segment);
    }
    probe.finish(file.len() as u64)
}

/// A file made by ffmpeg, in a folder of its own.
fn make(name: &str, inputs: &[&[&str]], options: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let inputs = inputs.concat().join(" ");
    run(
        "ffmpeg",
        &format!("-v error {inputs} {options} {}", path.display()),
    )?;
    Some((folder, path))
}

/// What a tool writes to stdout, or nothing if there is no such tool.
fn run(tool: &str, arguments: &str) -> Option<Vec<u8>> {
    let result = Command::new(tool)
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output();
    let Ok(output) = result else {
        // Past the capture of the test harness, which hides what passing tests print.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "media_probe: SKIPPED a check: no {tool} on PATH").unwrap();
        return None;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments}: {errors}");
    Some(output.stdout)
}

/// A recording of each provider: its id, its file, and what opens it.
const RECORDINGS: [(&str, &str, &str); 3] = [
    (VOICE, "call.enc", "twilio-voice -m meta.json"),
    (
        "RT5eed0000000000000000000000000001",
        "video.enc",
        "twilio-video -m flat.json",
    ),
    (
        "5eed0000-0000-4000-8000-000000000001",
        "archive.enc",
        "vonage -m archive.json",
    ),
];

fn desk() -> Desk {
    let desk = Desk::new();
    let [_, (video, ..), (archive, ..)] = RECORDINGS;
    for (path, name) in [
        (&*format!("twilio-video/{video}.mka.enc"), "video.enc"),
        ("twilio-video/flat.json", "flat.json"),
        (&format!("vonage/{archive}.ts.enc"), "archive.enc"),
        ("vonage/archive-1.json", "archive.json"),
    ] {
        desk.bring(path, name);
    }
    desk
}

/// What browsers, databases and `curl -i` leave around the media is taken off, from a file and
/// from a pipe; the tag or the container tells whether that was right. What was compressed or
/// dumped comes with the command.
#[test]
fn what_a_transfer_left_around_the_media_is_taken_off_or_named() {
    let desk = desk();
    for (id, media, opens) in RECORDINGS {
        for (tool, script, name) in [
            ("base64", "base64 $IN", "base64"),
            ("openssl", "openssl base64 -A -in $IN", "base64"),
            ("xxd", "xxd -p $IN", "hex"),
            (
                "base64",
                "printf data:audio/wav\\;base64,; base64 -w0 $IN",
                "a data: URL",
            ),
            (
                "cat",
                "printf 'HTTP/1.1 200 OK\\r\\nA: b\\r\\n\\r\\n'; cat $IN",
                "an HTTP head",
            ),
            (
                "base64",
                "printf 'HTTP/2 200\\r\\nA: b\\r\\n\\r\\n'; base64 $IN",
                "an HTTP head and base64",
            ),
        ] {
            if !has(tool) {
                skip(&format!("no {tool}"));
                continue;
            }
            let run = "-v -k key.pem -o out";
            for script in [
                format!("IN={media}; ({script}) > in && $UNREEL {opens} {run} in"),
                format!("IN={media}; ({script}) | $UNREEL {opens} {run} -"),
            ] {
                let output = desk.done(desk.bash(&script));
                let said = crate::common::stderr(&output);
                assert!(said.contains(&format!("around it: {name}\n")), "{said}");
                assert_eq!(sha256(&desk.read("out")), digest_of(id), "{script}");
                fs_err::remove_file(desk.path("out")).unwrap();
            }
        }
        for (tool, script, command) in [
            ("gzip", "gzip -c", "gunzip -c INPUT > FILE"),
            ("xxd", "xxd", "xxd -r INPUT FILE"),
        ] {
            if !has(tool) {
                skip(&format!("no {tool}"));
                continue;
            }
            desk.done(desk.bash(&format!("{script} {media} > in")));
            let refused = desk.unreel(&format!("{opens} -k key.pem -o out in"));
            desk.refused(refused, 3, &[command]);
        }
    }
    // An error page is one behind its head, too.
    desk.write(
        "in",
        b"HTTP/1.1 404 NOT FOUND\r\n\r\n{\"code\": 20404, \"status\": 404}",
    );
    desk.refused(desk.voice("-o out in"), 3, &["a JSON document"]);
    desk.write("in", ["A".repeat(300_000), "*".to_owned()].concat());
    desk.refused(desk.voice("-o out in"), 3, &["it is text"]);
}

/// Bytes are lost, and the message says how: not that the download was cut off.
#[test]
fn ciphertext_that_was_saved_as_text_is_told_so() {
    let desk = desk();
    for (tool, script, cause) in [
        ("iconv", "iconv -f latin1 -t utf8 $IN", "it is UTF-8"),
        ("iconv", "iconv -f cp437 -t utf16 $IN", "it is UTF-16"),
        (
            "python3",
            "python3 -c \"import sys; b = open('$IN', 'rb').read(); \
             sys.stdout.buffer.write(b.decode(errors='replace').encode())\"",
            "it is UTF-8",
        ),
        (
            "node",
            "node -e \"process.stdout.write(fs.readFileSync('$IN').toString())\"",
            "it is UTF-8",
        ),
        (
            "sed",
            "LC_ALL=C sed 's/$/\\r/' $IN",
            "its line ends were changed",
        ),
        ("tr", "tr -d '\\r' < $IN", "its line ends were changed"),
        ("tr", "tr '\\r' '\\n' < $IN", "its line ends were changed"),
        ("tr", "tr -d '\\0' < $IN", "its line ends were changed"),
    ] {
        if !has(tool) {
            skip(&format!("no {tool}"));
            continue;
        }
        for (_, media, opens) in RECORDINGS {
            // Too little is left of the others to tell.
            if cause.contains("line") && media != "call.enc" {
                continue;
            }
            desk.done(desk.bash(&format!("IN={media}; {script} > in")));
            let refused = desk.unreel(&format!("{opens} -k key.pem -o out in"));
            let said = desk.refused(refused, 7, &[cause, "saved as text", "in binary"]);
            assert!(!said.contains("cut off"), "{said}");
        }
    }
}
