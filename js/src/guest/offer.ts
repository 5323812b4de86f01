/** What an earlier visit recorded and could not save, because the page or the browser ended: offered above the call. */
import { bytesText } from "../ui/format";
import { saveFile } from "./recorder/download";
import { hasVault, type Leftover, leftovers } from "./recorder/vault";

/** Once for each visit. Where the browser does not tell what it kept, there is nothing to offer. */
export async function offerLeftovers(main: HTMLElement): Promise<void> {
  if (!hasVault()) return;
  let left: readonly Leftover[];
  try {
    left = await leftovers();
  } catch {
    return; // a private window, or a policy of the site: nothing was kept either
  }
  main.prepend(...left.map(bar));
}

function bar(leftover: Leftover): HTMLElement {
  const offer = document.createElement("section");
  offer.className = "nbrtc-page-offer";
  offer.setAttribute("aria-label", "A recording that was cut off");
  const text = document.createElement("p");
  text.textContent = `A recording was cut off: ${leftover.title} (${bytesText(leftover.sizeBytes)}). This browser kept what was written.`;
  const save = button("Save", async () => {
    for (const file of leftover.files) await saveFile(file);
    await leftover.given();
    offer.remove();
  });
  const discard = button("Delete", async () => {
    await leftover.discard();
    offer.remove();
  });
  offer.append(text, save, discard);
  return offer;

  function button(label: string, act: () => Promise<void>): HTMLButtonElement {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => {
      made.disabled = true;
      act().catch((error: unknown) => {
        made.disabled = false;
        const reason = error instanceof Error ? error.message : String(error);
        text.textContent = `${leftover.title} could not be reached (${reason}). Try again.`;
      });
    });
    return made;
  }
}
