"""Reading headers of encoded media bit by bit."""


class Bits:
    """Reads a bit string from its front; raises ValueError behind its end."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def u(self, count: int) -> int:
        """An unsigned number of so many bits; 0 of none."""
        self._at += count
        if self._at > len(self._bits):
            raise ValueError("The header ends early")
        return int(self._bits[self._at - count : self._at] or "0", 2)

    def ue(self) -> int:
        """Exp-Golomb number (H.264, section 9.1); AV1's ``uvlc`` (section 4.10.3) is the same."""
        zeros = self._bits.find("1", self._at) - self._at
        if not 0 <= zeros <= 31:
            raise ValueError("The header is broken")
        self._at += zeros
        return self.u(zeros + 1) - 1
