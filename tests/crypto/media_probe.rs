//! What unreel says of real files, against what ffprobe says of them.
//!
//! The files are made by `FFmpeg`, `SoX` and `eSpeak NG`. Where a tool is missing, its tests pass and
//! say on stderr that they did nothing.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use unreel::envelope::Container;
use unreel::media::{Media, Note, PACKET, Probe, SEGMENT, Sniff, damaged_head, hms, sniff};

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

fn ffmpeg_name(codec: &unreel::media::Codec) -> String {
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
