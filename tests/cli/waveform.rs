//! `unreel waveform`, against what ffmpeg decodes and what peaks.js' reader reads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::{Desk, VOICE, assert_refused, has, run_with, skip, stderr};

/// Two voices, of which each is silent while the other speaks; one breathes in between.
const TALK: &str = "aevalsrc=0.7*sin(2*PI*441*t)*sin(3*t)*gte(mod(t\\,2)\\,1)|\
                    0.3*sin(2*PI*313*t)*lt(mod(t\\,2)\\,1):d=5.3:s=16000";

/// The numbers of a drawing.
struct Drawn {
    rate: u32,
    size: usize,
    /// The lowest and the highest sample of each pixel, of each channel.
    rows: Vec<Vec<(i32, i32)>>,
}

impl Drawn {
    fn of(json: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(json).unwrap();
        let number = |name: &str| usize::try_from(json[name].as_u64().unwrap()).unwrap();
        assert_eq!((number("version"), number("bits")), (2, 16));
        let channels = number("channels");
        let data = json["data"].as_array().unwrap().iter();
        let data: Vec<_> = data
            .map(|it| i32::try_from(it.as_i64().unwrap()).unwrap())
            .collect();
        assert_eq!(data.len(), 2 * channels * number("length"));
        let mut rows = vec![vec![]; channels];
        for (number, pair) in data.chunks(2).enumerate() {
            rows[number % channels.max(1)].push((pair[0], pair[1]));
        }
        Self {
            rate: u32::try_from(number("sample_rate")).unwrap(),
            size: number("samples_per_pixel"),
            rows,
        }
    }

    /// What the command draws of a file.
    fn by(desk: &Desk, file: &str) -> Self {
        let output = desk.done(desk.unreel(&format!("waveform {file} -o - --format json")));
        Self::of(&output.stdout)
    }

    fn seconds(&self) -> f64 {
        let frames = f64::from(u32::try_from(self.rows[0].len() * self.size).unwrap());
        frames / f64::from(self.rate)
    }
}

fn ffmpeg(desk: &Desk, arguments: &[&str]) -> Vec<u8> {
    let mut ffmpeg = desk.command("ffmpeg");
    let output = ffmpeg.args(["-v", "error", "-y"]).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?} {}", stderr(&output));
    output.stdout
}

/// Makes a file of `TALK`.
fn make(desk: &Desk, file: &str, options: &str) {
    let options: Vec<_> = options.split_whitespace().collect();
    let head = ["-f", "lavfi", "-i", TALK];
    ffmpeg(desk, &[&head[..], &options, &[file]].concat());
}

/// The samples of a file as ffmpeg decodes it, of each channel.
fn heard(desk: &Desk, file: &str, decoder: &[&str], channels: usize) -> Vec<Vec<i32>> {
    let bytes = ffmpeg(desk, &[decoder, &["-i", file, "-f", "s16le", "-"]].concat());
    let samples: Vec<_> = bytes
        .chunks_exact(2)
        .map(|it| i32::from(i16::from_le_bytes([it[0], it[1]])))
        .collect();
    let row = |channel| samples.iter().skip(channel).step_by(channels).copied();
    (0..channels)
        .map(|channel| row(channel).collect())
        .collect()
}

#[test]
fn pixels_are_the_extremes_of_what_ffmpeg_decodes() {
    if !has("ffmpeg") {
        return;
    }
    let desk = Desk::new();
    let opus = ["-c:a", "libopus"];
    for (file, options, decoder, most) in [
        ("pcm16.wav", "-c:a pcm_s16le", &[][..], 0),
        ("mono.wav", "-c:a pcm_s16le -ac 1 -ar 8000", &[], 0),
        ("pcm8.wav", "-c:a pcm_u8 -ar 8000", &[], 0),
        ("pcm24.wav", "-c:a pcm_s24le", &[], 1),
        ("pcm32.wav", "-c:a pcm_s32le", &[], 1),
        ("float.wav", "-c:a pcm_f32le", &[], 1),
        ("mu-law.wav", "-c:a pcm_mulaw -ar 8000", &[], 0),
        ("a-law.wav", "-c:a pcm_alaw -ac 1 -ar 8000", &[], 0),
        ("ms.wav", "-c:a adpcm_ms -ar 8000", &[], 0),
        ("ima.wav", "-c:a adpcm_ima_wav -ar 8000", &[], 0),
        ("cbr.mp3", "-b:a 64k -ac 1 -ar 22050", &[], 2),
        ("vbr.mp3", "-q:a 2", &[], 2),
        ("pcm.mka", "-c:a pcm_s16le", &[], 0),
        ("speech.mka", "-c:a libopus -b:a 16k -ac 1", &opus, 12),
        ("music.webm", "-c:a libopus -b:a 96k", &opus, 12),
        (
            "long.ogg",
            "-c:a libopus -b:a 24k -frame_duration 60",
            &opus,
            12,
        ),
    ] {
        make(&desk, file, options);
        let drawn = Drawn::by(&desk, file);
        let expected = heard(&desk, file, decoder, drawn.rows.len());
        let seconds = drawn.seconds();
        assert!((seconds - 5.3).abs() < 0.1, "{file}: {seconds} seconds");
        for (row, samples) in drawn.rows.iter().zip(&expected) {
            // Of the end of the stream Matroska says too little to cut it to the sample.
            let pixels = samples.len().div_ceil(drawn.size);
            assert!(
                row.len() >= pixels && row.len() <= pixels + 960 / drawn.size + 1,
                "{file}"
            );
            for (number, part) in samples.chunks(drawn.size).enumerate() {
                if part.len() < drawn.size && row.len() > pixels {
                    continue;
                }
                let (low, high) = (*part.iter().min().unwrap(), *part.iter().max().unwrap());
                let (found_low, found_high) = row[number];
                let off = (found_low - low).abs().max((found_high - high).abs());
                assert!(off <= most, "{file}, pixel {number}: {off} off");
            }
        }
    }
}

#[test]
fn what_is_heard_when_is_right_in_mp4_too() {
    if !has("ffmpeg") {
        return;
    }
    let desk = Desk::new();
    make(&desk, "call.m4a", "-c:a aac -b:a 96k");
    make(
        &desk,
        "late.mp4",
        "-c:a aac -b:a 96k -movflags frag_keyframe+empty_moov",
    );
    for file in ["call.m4a", "late.mp4"] {
        let drawn = Drawn::by(&desk, file);
        let expected = heard(&desk, file, &[], 2);
        assert!((drawn.seconds() - 5.3).abs() < 0.15, "{}", drawn.seconds());
        for (row, samples) in drawn.rows.iter().zip(&expected) {
            // An encoder's delay is 1,024 frames, and is not cut off here: 64 ms.
            for (pixels, samples) in row.chunks(1600 / drawn.size).zip(samples.chunks(1600)) {
                let loud = pixels.iter().map(|pixel| pixel.1).max().unwrap();
                let expected = *samples.iter().max().unwrap();
                assert!(
                    (loud - expected).abs() < 16_000,
                    "{file}: {loud} {expected}"
                );
            }
        }
        let middle = drawn.rows[0].len() / 5;
        assert!(drawn.rows[0][middle / 2].1 < 400 && drawn.rows[1][middle / 2].1 > 7_000);
    }
}

#[test]
fn a_gap_between_the_times_of_packets_is_silence() {
    if !has("ffmpeg") {
        return;
    }
    let desk = Desk::new();
    let late = "-af asetpts=PTS+gte(T\\,2)*4/TB -c:a libopus -f matroska";
    make(&desk, "gap.mka", late);
    let drawn = Drawn::by(&desk, "gap.mka");
    assert!((drawn.seconds() - 9.3).abs() < 0.1, "{}", drawn.seconds());
    let at = |second: f64| {
        let pixels = f64::from(u32::try_from(drawn.rows[1].len()).unwrap());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let pixel = (second / drawn.seconds() * pixels) as usize;
        drawn.rows[1][pixel].1
    };
    assert!(at(0.5) > 7_000 && at(6.5) > 7_000);
    assert_eq!((at(2.5), at(4.0), at(5.9)), (0, 0, 0));
}

#[test]
fn wave_files_of_writers_that_could_not_seek_are_drawn_whole() {
    if !has("ffmpeg") {
        return;
    }
    let desk = Desk::new();
    make(&desk, "whole.wav", "-c:a pcm_s16le -ar 8000");
    make(&desk, "rf64.wav", "-c:a pcm_s16le -ar 8000 -rf64 always");
    let whole = desk.read("whole.wav");
    let data = whole.windows(4).position(|it| it == b"data").unwrap() + 4;
    for (name, riff, size) in [
        ("zero.wav", 0, 0),
        ("no-size.wav", 84_836, 0),
        ("most.wav", u32::MAX, u32::MAX),
        ("signed.wav", 0x7FFF_FFFF, 0x7FFF_F000),
    ] {
        let mut open = whole.clone();
        open[4..8].copy_from_slice(&u32::to_le_bytes(riff));
        open[data..data + 4].copy_from_slice(&u32::to_le_bytes(size));
        desk.write(name, open);
    }
    let expected = Drawn::by(&desk, "whole.wav").rows;
    for name in [
        "zero.wav",
        "no-size.wav",
        "most.wav",
        "signed.wav",
        "rf64.wav",
    ] {
        assert!(Drawn::by(&desk, name).rows == expected, "{name}");
    }
    // One that was cut off is drawn as far as it goes.
    desk.write("cut.wav", &whole[..whole.len() / 2]);
    let cut = Drawn::by(&desk, "cut.wav");
    assert!((cut.seconds() - 2.65).abs() < 0.01, "{}", cut.seconds());
}

/// A WAVE file of 16 bits with these samples.
fn wav(channels: u16, samples: &[i16]) -> Vec<u8> {
    let bytes: Vec<u8> = samples.iter().flat_map(|it| it.to_le_bytes()).collect();
    let size = u32::try_from(bytes.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + size).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(8000_u32.to_le_bytes());
    file.extend((16_000 * u32::from(channels)).to_le_bytes());
    file.extend((2 * channels).to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend(size.to_le_bytes());
    file.extend(bytes);
    file
}

#[test]
fn one_sample_none_silence_and_clipping_are_drawn() {
    let desk = Desk::new();
    let silent = vec![0; 16_000];
    let clipped = [i16::MIN, i16::MAX].repeat(4000);
    for (channels, samples, expected) in [
        (1, &[][..], (0, None)),
        (2, &[], (0, None)),
        (1, &[-7], (1, Some((-7, -7)))),
        (2, &[9, -9], (1, Some((9, 9)))),
        (2, &silent, (1000, Some((0, 0)))),
        (1, &clipped, (1000, Some((-32_768, 32_767)))),
    ] {
        desk.write("call.wav", wav(channels, samples));
        let drawn = Drawn::by(&desk, "call.wav");
        assert_eq!(drawn.rate, 8000);
        assert_eq!(drawn.rows.len(), usize::from(channels));
        let row = &drawn.rows[0];
        assert_eq!((row.len(), row.first().copied()), expected);
        let svg = desk.done(desk.unreel("waveform call.wav -o -")).stdout;
        let svg = String::from_utf8(svg).unwrap();
        // A line is there, whatever was heard, and nothing that is no number.
        assert_eq!(svg.matches("<path d=\"M0 ").count(), usize::from(channels));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn encrypted_recordings_are_drawn_as_their_plaintext_is() {
    let desk = Desk::of_documents();
    let key = "-k fixtures/keys/pkcs8.pem";
    for (command, media, metadata, key) in [
        (
            "twilio-voice",
            format!("twilio-voice/{VOICE}.wav.enc"),
            "-m fixtures/twilio-voice/recording.json",
            key,
        ),
        (
            "twilio-voice",
            format!("twilio-voice/{VOICE}.wav.enc"),
            "-m fixtures/twilio-voice/list.json",
            "-k fixtures/keys/legacy-aes256.pem --passphrase-file fixtures/keys/passphrase.txt",
        ),
        (
            "twilio-video",
            "twilio-video/RT5eed0000000000000000000000000001.mka.enc".to_owned(),
            "-m fixtures/twilio-video/wget.txt",
            key,
        ),
        (
            "qvoice",
            "qvoice/rec5eed0001.enc".to_owned(),
            "",
            "--config fixtures/qvoice/config.json",
        ),
    ] {
        let arguments = format!("fixtures/{media} {metadata} {key}");
        desk.done(desk.unreel(&format!("{command} {arguments} -f -o clear")));
        let clear = desk.done(desk.unreel("waveform clear -o - --format json"));
        assert!(!Drawn::of(&clear.stdout).rows[0].is_empty());
        let draw = desk.unreel(&format!("waveform {arguments} -o drawn.json -f"));
        desk.done(draw);
        assert!(desk.read("drawn.json") == clear.stdout, "{media}");
        if command != "qvoice" && !metadata.contains("list") {
            let draw = desk.unreel(&format!("waveform - {metadata} {key} -o - --format json"));
            let output = run_with(draw, &desk.read(&format!("fixtures/{media}")));
            assert!(output.stdout == clear.stdout, "{media} {}", stderr(&output));
        }
    }
}

#[test]
fn a_tampered_recording_is_not_drawn() {
    let desk = Desk::new();
    let mut media = desk.read("call.enc");
    media[60_000] ^= 1;
    desk.write("bad.enc", &media);
    desk.write("old.svg", "old");
    for output in ["new.svg", "old.svg -f", "-"] {
        let draw = format!("waveform bad.enc -m meta.json -k key.pem -o {output}");
        desk.refused(desk.unreel(&draw), 7, &["tag"]);
    }
    let before = desk.contents();
    let draw = desk.unreel("waveform - -m meta.json -k key.pem -o new.svg");
    let output = run_with(draw, &media);
    desk.was_refused("stdin", &output, 7, &["tag"], &before);
}

#[test]
fn keys_and_metadata_that_do_not_fit_are_told_as_by_decrypt() {
    let desk = Desk::new();
    desk.bring("keys/other.pem", "other.pem");
    for (arguments, code) in [
        ("-m meta.json", 5),
        ("-m meta.json -k missing.pem", 5),
        ("-m meta.json -k other.pem", 6),
        ("-k key.pem", 4),
        ("-m missing.json -k key.pem", 4),
        ("-m meta.json -k - -m -", 2),
    ] {
        let draw = format!("waveform call.enc {arguments} -o new.svg");
        desk.refused(desk.unreel(&draw), code, &[]);
    }
    desk.refused(desk.unreel("waveform missing.wav -o new.svg"), 3, &[]);
    desk.refused(desk.unreel("waveform . -o new.svg"), 3, &["folder"]);
}

#[test]
fn an_output_that_exists_is_replaced_on_demand_only_and_an_input_never() {
    let desk = Desk::new();
    desk.write("call.wav", wav(1, &[1, 2, 3]));
    for name in ["new.svg", "new.json", "NEW.SVG"] {
        desk.write(name, "old");
        let says = ["exists already", "-f to overwrite"];
        // No key is asked for.
        let draw = format!("waveform call.enc -m meta.json -k missing.pem -o {name}");
        desk.refused(desk.unreel(&draw), 8, &says);
        desk.done(desk.unreel(&format!("waveform call.wav -o {name} -f")));
        assert_eq!(desk.mode(name), 0o600);
        assert_ne!(desk.read(name), b"old");
    }
    for name in ["call.wav", "meta.json", "key.pem"] {
        let draw = format!("waveform call.wav -m meta.json -k key.pem -f --format svg -o {name}");
        desk.refused(desk.unreel(&draw), 8, &["is also an input"]);
    }
    // Beside a recording may lie what opens it, or what was drawn of it.
    desk.bring("twilio-voice/recording.json", "call.json");
    let draw = "waveform call.wav -f -o call.json";
    desk.refused(desk.unreel(draw), 8, &["is also an input"]);
    std::fs::remove_file(desk.path("call.json")).unwrap();
    for _ in 0..2 {
        desk.done(desk.unreel(draw));
        Drawn::by(&desk, "call.wav");
    }
}

#[test]
fn what_is_drawn_is_what_the_output_is_named_for_or_what_is_asked_for() {
    let desk = Desk::new();
    desk.write("call.wav", wav(1, &[1, 2, 3]));
    for (output, start) in [
        ("-o -", "<svg"),
        ("-o - --format json", "{\"version\":2"),
        ("-o a.svg", "<svg"),
        ("-o a.json", "{\"version\":2"),
        ("-o a.png --format svg", "<svg"),
        ("-o b.svg --format json", "{\"version\":2"),
    ] {
        let done = desk.done(desk.unreel(&format!("waveform call.wav {output}")));
        let name = output.split_whitespace().nth(1).unwrap();
        let drawn = if name == "-" {
            done.stdout
        } else {
            desk.read(name)
        };
        assert!(drawn.starts_with(start.as_bytes()), "{output}");
    }
    for output in ["new.png", "new", "svg", "new.svg.gz"] {
        let draw = format!("waveform call.wav -o {output}");
        desk.refused(desk.unreel(&draw), 2, &["--format svg"]);
    }
}

#[test]
fn what_holds_no_audio_is_told_so() {
    let desk = Desk::new();
    desk.write(
        "notes.txt",
        "Call them back on Monday, please, before noon.\n",
    );
    desk.write("noise.bin", crate::common::Random(9).bytes(5000));
    desk.write("empty.wav", "");
    desk.write("many.wav", wav(12, &[1; 120]));
    let says = "holds no audio that can be decoded";
    let refused = |file: &str| {
        desk.refused(
            desk.unreel(&format!("waveform {file} -o new.svg")),
            3,
            &[says],
        );
    };
    refused("noise.bin");
    refused("notes.txt");
    refused("empty.wav");
    refused("many.wav");
    if !has("ffmpeg") {
        return;
    }
    let scene = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=5"];
    for file in ["silent.mp4", "silent.mkv"] {
        ffmpeg(&desk, &[&scene[..], &[file]].concat());
        refused(file);
    }
    make(&desk, "packets.ts", "-c:a aac");
    make(&desk, "vorbis.ogg", "-c:a libvorbis");
    make(&desk, "gsm.wav", "-c:a gsm_ms -ar 8000 -ac 1");
    for file in ["packets.ts", "vorbis.ogg", "gsm.wav"] {
        refused(file);
    }
}

#[test]
fn the_sound_of_a_video_is_drawn() {
    if !has("ffmpeg") {
        return;
    }
    let desk = Desk::new();
    let scene = ["-f", "lavfi", "-i", "testsrc=d=5.3:s=64x48:r=5"];
    for (file, options) in [
        ("call.mp4", ["-c:a", "aac", "-pix_fmt", "yuv420p"]),
        ("call.webm", ["-c:a", "libopus", "-c:v", "libvpx"]),
        ("call.mkv", ["-c:a", "libopus", "-c:v", "mjpeg"]),
    ] {
        let talk = ["-f", "lavfi", "-i", TALK];
        ffmpeg(&desk, &[&scene[..], &talk, &options, &[file]].concat());
        let drawn = Drawn::by(&desk, file);
        assert_eq!(drawn.rows.len(), 2, "{file}");
        assert!(
            (drawn.seconds() - 5.3).abs() < 0.1,
            "{file} {}",
            drawn.seconds()
        );
    }
}

#[test]
fn a_recording_that_is_no_file_is_drawn_without_keeping_it() {
    let desk = Desk::new();
    let recording = wav(2, &vec![5; 20_000]);
    desk.write("call.wav", &recording);
    let expected = desk.done(desk.unreel("waveform call.wav -o - --format json"));
    let mut draw = desk.unreel("waveform - -o - --format json");
    draw.env("TMPDIR", desk.path("nowhere"));
    let output = run_with(draw, &recording);
    assert_eq!(stderr(&output), "");
    assert!(output.stdout == expected.stdout);
}

#[test]
fn a_reader_that_ends_early_is_an_output_that_failed() {
    let desk = Desk::new();
    desk.write("call.wav", wav(1, &vec![5; 20_000]));
    let output = desk
        .bash("\"$UNREEL\" waveform call.wav -o - >/dev/full")
        .output();
    assert_refused(&output.unwrap(), 8, "a full device");
}

#[test]
fn a_picture_is_xml_without_scripts_or_references_and_its_text_is_escaped() {
    let desk = Desk::new();
    let name = "<b>&\"it's\u{202e}\u{1b}[1m.wav";
    desk.write(name, wav(2, &vec![5; 20_000]));
    let mut draw = desk.command(env!("CARGO_BIN_EXE_unreel"));
    draw.arg("waveform").arg(name).args(["-o", "call.svg"]);
    desk.done(draw);
    let svg = String::from_utf8(desk.read("call.svg")).unwrap();
    assert!(svg.contains(">customer<") && svg.contains(">agent<"));
    for absent in [
        "<script", "href", "url(", "<b>", "\u{1b}", "\u{202e}", "import",
    ] {
        assert!(!svg.contains(absent), "{absent}");
    }
    let addresses = svg.matches("://").count();
    assert_eq!(addresses, 1, "the name space alone");
    if !has("python3") {
        return;
    }
    let script = "import sys, xml.etree.ElementTree as tree\n\
        svg = tree.parse(sys.argv[1]).getroot()\n\
        space = '{http://www.w3.org/2000/svg}'\n\
        assert svg.attrib['role'] == 'img'\n\
        print(svg.find(space + 'title').text, svg.find(space + 'desc').text, sep='|', end='')\n\
        times = [text.text for text in svg.iter(space + 'text') if 'time' in text.get('class')]\n\
        assert times[0] == '0:00' and times[-1] == '0:01.2', times\n";
    let mut python = desk.command("python3");
    let output = desk.done({
        python.args(["-c", script, "call.svg"]);
        python
    });
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("<b>&\"it's"), "{said}");
    assert!(
        said.ends_with("|From above: customer, agent. 0:01.2"),
        "{said}"
    );
}

/// Where `.ci/run` installs what is not of Debian.
fn tools() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.unwrap().join("tools/browser/node_modules")
}

#[test]
fn the_reader_of_peaks_js_takes_the_numbers() {
    let modules = tools();
    if !modules.join("waveform-data").is_dir() || !has("node") {
        let why = "there is no `waveform-data` or node; `.ci/run` installs them";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        return skip(why);
    }
    let desk = Desk::new();
    let samples: Vec<i16> = (0..977)
        .map(|it| it * 30 - 14_000)
        .cycle()
        .take(60_000)
        .collect();
    desk.write("call.wav", wav(2, &samples));
    desk.done(desk.unreel("waveform call.wav -o call.json"));
    let script = "\
        const data = require('waveform-data').create(JSON.parse(\
            require('fs').readFileSync('call.json', 'utf8')));\
        const rows = [...Array(data.channels).keys()].map(n => data.channel(n));\
        console.log(JSON.stringify({channels: data.channels, sample_rate: data.sample_rate, \
            samples_per_pixel: data.scale, bits: data.bits, length: data.length, \
            duration: data.duration, first: rows.map(row => [row.min_sample(0), row.max_sample(0)]), \
            last: rows.map(row => row.max_sample(data.length - 1)), \
            half: data.resample({scale: 2 * data.scale}).length}))";
    let mut node = Command::new("node");
    node.current_dir(desk.path(".")).env("NODE_PATH", &modules);
    let output = node.args(["-e", script]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let drawn = Drawn::by(&desk, "call.wav");
    let of = |channel: usize, pixel: usize| drawn.rows[channel][pixel];
    let last = drawn.rows[0].len() - 1;
    let expected = serde_json::json!({
        "channels": 2, "sample_rate": 8000, "samples_per_pixel": drawn.size, "bits": 16,
        "length": last + 1, "duration": said["duration"],
        "first": [[of(0, 0).0, of(0, 0).1], [of(1, 0).0, of(1, 0).1]],
        "last": [of(0, last).1, of(1, last).1], "half": (last + 1).div_ceil(2),
    });
    assert_eq!(said, expected);
    assert!((said["duration"].as_f64().unwrap() - 3.75).abs() < 0.01);
}
