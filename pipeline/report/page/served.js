// Replaced by `photobatch report --serve`; a page opened from disk is not served.
photobatch.served = false;
