/** The widget's icons: Lucide's drawings as data, and the element that shows one. */
import {
  Activity,
  AppWindow,
  Check,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleDot,
  Eye,
  Gauge,
  type IconNode,
  Info,
  LoaderCircle,
  Mic,
  MicOff,
  PhoneOff,
  PowerOff,
  Settings2,
  Square,
  SquareTerminal,
  TriangleAlert,
  Unplug,
  UserRound,
  Video,
  VideoOff,
  X,
} from "lucide";
import { h } from "preact";

export const icons = {
  camera: Video,
  cameraOff: VideoOff,
  check: Check,
  closed: PowerOff,
  connected: CircleCheck,
  devices: Settings2,
  dismiss: X,
  elsewhere: AppWindow,
  error: CircleAlert,
  info: Info,
  leave: PhoneOff,
  microphone: Mic,
  microphoneOff: MicOff,
  noKernel: Unplug,
  person: UserRound,
  preview: Eye,
  python: SquareTerminal,
  quality: Gauge,
  ready: CircleDashed,
  record: CircleDot,
  statistics: Activity,
  stop: Square,
  wait: LoaderCircle,
  warning: TriangleAlert,
} as const satisfies Record<string, IconNode>;

export type IconName = keyof typeof icons;

interface IconProps {
  readonly name: IconName;
  readonly size?: number;
  readonly class?: string;
}

/** Decoration only: whatever holds the icon carries the name that a screen reader says. */
export function Icon({ name, size = 18, class: extra = "" }: IconProps) {
  return (
    <svg
      class={`nbrtc-icon ${name === "wait" ? "nbrtc-icon--turning" : ""} ${extra}`}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {icons[name].map(([tag, attributes]) => h(tag, attributes))}
    </svg>
  );
}
