"use strict";
// The one global: data scripts hand their values in here, the page's own scripts find each other here.
// Classic scripts, because a page opened from disk may load no modules and fetch no JSON.

const photobatch = {
  info: null,
  served: false,
  chunks: [],
  pages: new Map(),
  onChunk: null,

  meta(value) { this.info = value; },
  entries(number, chunk) {
    this.chunks.push(chunk);
    if (this.onChunk) this.onChunk(chunk, number);
  },
  details(number, page) { this.pages.set(number, page); },

  // Resolves once the script ran; data scripts only ever call the three functions above.
  load(source) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.async = false;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${source} is missing`));
      document.head.append(script);
    });
  },
};
