import sys, time
import pytest
from tests.browser.test_camera_effects import Stage, script, stage  # noqa
ALL=["none","blur","background","grayscale","sepia","invert","brightness","contrast","pixelate","edge","mirror"]
def test_m(new_page, script):
    s=Stage(new_page("any-size"), script)
    for eff in ("grayscale","blur"):
        s.call("choose", eff); s.call("open",1280,720)
        s.until("stage.status().state==='running' && stage.status().fps>0")
        def m(label):
            time.sleep(3); c=s.call("count"); st=[]; t=time.monotonic()
            for _ in range(6): time.sleep(1); x=s.call("status"); st.append((round(x["fps"] or 0,1),round(x["frame_ms"] or 0,1)))
            print(eff,label,"frames/s",(s.call("count")-c)/(time.monotonic()-t),st,flush=True)
        m("alone"); s.call("preview",*ALL); m("previews"); s.call("endPreviews")
        s.read("document.querySelectorAll('canvas').forEach(c=>c.remove())")
