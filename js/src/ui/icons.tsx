/** The widget's icons: Lucide's drawings as data, and the element that shows one. */
import {
  Activity,
  AppWindow,
  ArrowDown,
  AudioLines,
  AudioWaveform,
  Ban,
  Blend,
  Check,
  ChevronLeft,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleDot,
  Contrast,
  Copy,
  Crown,
  Download,
  Ellipsis,
  Eye,
  Film,
  Focus,
  GalleryThumbnails,
  Gauge,
  Grid3x3,
  type IconNode,
  Image,
  Info,
  LayoutGrid,
  LoaderCircle,
  MessageSquare,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  Pause,
  PhoneOff,
  Pin,
  PinOff,
  Play,
  PowerOff,
  RotateCw,
  SendHorizontal,
  Settings2,
  SlidersHorizontal,
  Sparkles,
  Spline,
  Square,
  SquareCenterlineDashedHorizontal,
  SquareTerminal,
  Sun,
  SunMoon,
  TriangleAlert,
  Unplug,
  UserPlus,
  UserRound,
  Users,
  Video,
  VideoOff,
  X,
  ZoomIn,
  ZoomOut,
} from "lucide";
import { h } from "preact";

export const icons = {
  again: RotateCw,
  back: ChevronLeft,
  camera: Video,
  cameraOff: VideoOff,
  chat: MessageSquare,
  check: Check,
  closed: PowerOff,
  connected: CircleCheck,
  copy: Copy,
  creator: Crown,
  devices: Settings2,
  dismiss: X,
  down: ArrowDown,
  download: Download,
  effectBackground: Image,
  effectBlur: Focus,
  effectBrightness: Sun,
  effectContrast: Contrast,
  effectEdge: Spline,
  effectGrayscale: Blend,
  effectInvert: SunMoon,
  effectMirror: SquareCenterlineDashedHorizontal,
  effectNone: Ban,
  effectPixelate: Grid3x3,
  effectSepia: Film,
  effects: Sparkles,
  elsewhere: AppWindow,
  error: CircleAlert,
  grid: LayoutGrid,
  info: Info,
  invite: UserPlus,
  leave: PhoneOff,
  metrics: SlidersHorizontal,
  microphone: Mic,
  microphoneOff: MicOff,
  more: Ellipsis,
  noKernel: Unplug,
  pause: Pause,
  people: Users,
  person: UserRound,
  pin: Pin,
  play: Play,
  preview: Eye,
  python: SquareTerminal,
  quality: Gauge,
  ready: CircleDashed,
  record: CircleDot,
  screen: MonitorUp,
  screenOff: MonitorX,
  send: SendHorizontal,
  sound: AudioWaveform,
  speaker: GalleryThumbnails,
  speaking: AudioLines,
  statistics: Activity,
  stop: Square,
  unpin: PinOff,
  wait: LoaderCircle,
  warning: TriangleAlert,
  zoomIn: ZoomIn,
  zoomOut: ZoomOut,
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
