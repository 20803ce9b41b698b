
"use strict";
{
  const at = (id) => document.getElementById(id);

  // How long the link lives, by this clock: its difference to the server's does not matter.
  const note = at("note");
  const end = Date.now() + 1000 * note.dataset.left;
  const SOON = 5 * 60;
  note.firstElementChild.textContent = new Date(end).toLocaleTimeString([], { timeStyle: "short" });
  const remind = () => {
    const left = (end - Date.now()) / 1000;
    if (left > SOON) return void setTimeout(remind, Math.min(left - SOON, 60) * 1000);
    note.className = "soon";
    note.textContent = left > 0
      ? "This link ends in less than 5 minutes. Ask for a new one if you need longer."
      : "This link has ended. Ask for a new one to go on.";
    if (left > 0) setTimeout(remind, left * 1000);
  };
  remind();

  const media = at("media");
  if (media) enhance(media);

  function enhance(media) {
    const seek = at("seek");
    const play = at("play");
    const waveform = at("waveform");

    const clock = (time) => {
      const [h, m, s] = parts(time);
      const two = (number) => String(number).padStart(2, "0");
      return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
    };
    const spoken = (time) => {
      const names = ["hour", "minute", "second"];
      const said = parts(time).map((n, i) => n && `${n} ${names[i]}${n === 1 ? "" : "s"}`).filter(Boolean);
      return said.join(" ") || "0 seconds";
    };
    const parts = (time) => [time / 3600, (time / 60) % 60, time % 60].map(Math.floor);
    const duration = () => (Number.isFinite(media.duration) ? media.duration : Number(seek.max));

    // A screen reader that stands on the slider reads what it says each time that it changes: while the
    // recording plays, that is only what the listener did.
    const show = (asked) => {
      const time = media.currentTime;
      seek.value = time;
      seek.style.setProperty("--at", `${(100 * time) / (duration() || 1)}%`);
      at("position").textContent = clock(time);
      if (asked || document.activeElement !== seek) {
        seek.setAttribute("aria-valuetext", `${spoken(time)} of ${spoken(duration())}`);
      }
    };
    const go = (time) => {
      media.currentTime = Math.max(0, Math.min(time, duration()));
      show(true);
    };
    const toggle = () => (media.paused ? media.play().catch(() => {}) : media.pause());

    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const follow = () => {
      show();
      if (!media.paused && !still.matches) requestAnimationFrame(follow);
    };
    const playing = () => {
      play.setAttribute("aria-label", media.paused ? "Play" : "Pause");
      follow();
    };
    const loaded = () => {
      seek.max = duration();
      at("duration").textContent = clock(duration());
      show(true);
    };
    const fail = () => {
      for (const part of [media, seek, note, at("controls"), at("keys")]) part.hidden = true;
      at("failure").textContent =
        "This link has expired or the recording cannot be played. Reload the page to try again, or ask for a new link.";
    };

    media.controls = false;
    at("controls").hidden = seek.hidden = at("keys").hidden = false;
    for (const name of ["play", "pause", "ended"]) media.addEventListener(name, playing);
    for (const name of ["loadedmetadata", "durationchange"]) media.addEventListener(name, loaded);
    for (const name of ["timeupdate", "seeked"]) media.addEventListener(name, () => show());
    media.addEventListener("error", fail);
    if (media.readyState) loaded();
    if (media.error) fail();
    if (waveform) {
      const drop = () => waveform.remove();
      waveform.addEventListener("error", drop);
      if (waveform.complete && !waveform.naturalHeight) drop();
    }

    play.addEventListener("click", toggle);
    at("back").addEventListener("click", () => go(media.currentTime - 10));
    at("forward").addEventListener("click", () => go(media.currentTime + 10));
    at("speed").addEventListener("change", ({ target }) => { media.playbackRate = target.value; });
    at("volume").addEventListener("input", ({ target }) => { media.volume = target.value / 100; });
    seek.addEventListener("input", () => go(Number(seek.value)));
    // On touch screens some browsers move a slider by its thumb only.
    seek.addEventListener("pointerdown", ({ clientX, pointerType }) => {
      const { left, width } = seek.getBoundingClientRect();
      if (pointerType === "touch") go(((clientX - left) / width) * duration());
    });

    if (media.localName === "video") {
      media.addEventListener("click", toggle);
      at("full").hidden = !document.fullscreenEnabled;
      at("full").addEventListener("click", () => media.requestFullscreen());
      document.addEventListener("fullscreenchange", () => { media.controls = document.fullscreenElement === media; });
    }

    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || media.error || media.controls) return;
      const steps = { ArrowLeft: -5, ArrowRight: 5 };
      if (event.target === seek) Object.assign(steps, { ArrowDown: -5, ArrowUp: 5 });
      if (event.key in steps && !event.target.closest("select, input:not(#seek)")) {
        go(media.currentTime + steps[event.key]);
      } else if (event.key === " " && !event.target.closest("button, select, a, input:not(#seek)")) {
        if (!event.repeat) toggle();
      } else {
        return;
      }
      event.preventDefault();
    });
  }
}
