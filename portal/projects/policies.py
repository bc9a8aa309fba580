"""What each policy means, in a sentence."""

from __future__ import annotations

POLICY_WORDS = {
    "auto": "Every plan is carried out unasked.",
    "destructive": "A plan that takes a service or a volume away waits for a yes.",
    "always": "Every plan waits for a yes.",
}
