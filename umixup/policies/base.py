"""The protocol of policies: distributions of the mixing ratio λ on [0, 1]."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from umixup import _check as check
from umixup._notated import Notated
from umixup._random import lending

Shape = torch.Size | tuple[int, ...]


class Policy(Notated, Distribution):
    """Base class of policies, distributions of λ on [0, 1].

    A subclass must define ``log_prob``, and ``sample_logit`` or ``sample``. It may override the
    rest where it knows better than the defaults. Draws and integrals use z = logit λ, because
    λ = σ(z) rounds to 0 or 1 and z does not. Results are float64 tensors on the CPU.

    Random numbers come from the CPU generator that is given, or from torch's global one. A subclass
    that defines ``sample`` alone draws from the global one, which then follows the given generator
    for the time of the draw: other threads should not draw from it meanwhile.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.unit_interval
    has_rsample = False  # the parameters are constants

    #: True if the density is smooth inside (0, 1), and like a power of λ and 1 − λ at the ends.
    is_smooth = False

    def __init__(self) -> None:
        super().__init__(validate_args=False)

    def _checked(self, name: str, value: object, allowed: check.Range) -> Tensor:
        """A parameter as a tensor of shape ()."""
        number = check.number(f"{type(self).__name__} policy: {name}", value, allowed)
        return torch.tensor(number, dtype=torch.float64, device="cpu")

    def sample(self, sample_shape: Shape = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, of that shape."""
        return torch.sigmoid(self.sample_logit(sample_shape))

    def sample_logit(self, shape: Shape, generator: torch.Generator | None = None) -> Tensor:
        """Draws of logit λ, of that shape; ±∞ where λ is 1 or 0."""
        with lending(generator):
            return torch.logit(self.sample(shape).double())

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A draw of logit λ for each uniform u in (0, 1); increasing in u for a simple policy.

        With one u in each of n strata of [0, 1], the draws are stratified. Policies that need more
        random numbers take them from the generator.
        """
        from umixup.policies.density import Density

        return Density(lambda lam: self.log_prob(lam).exp()).icdf_logit(u)

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z: log p(λ) + log λ + log(1 − λ); of the shape of z.

        Point masses have no part in it.
        """
        # Beyond ±36, where λ is 0 or 1 in float64, the density of λ is taken as constant.
        lam = torch.sigmoid(z.clamp(-36, 36))
        low = float(getattr(self.support, "lower_bound", 0))
        high = float(getattr(self.support, "upper_bound", 1))
        value = self.log_prob(lam.clamp(low, high))
        value = torch.nan_to_num(value, nan=-math.inf, posinf=math.inf, neginf=-math.inf)
        value = torch.where((lam >= low) & (lam <= high), value, -math.inf)
        return value + F.logsigmoid(z) + F.logsigmoid(-z)

    def log_odds(self, z: Tensor) -> Tensor:
        """log p(λ) − log p(1 − λ) at logit λ = z, by masses where there are any, else by densities.

        The logit of the weight in U (Equation 5). It is 0 where both are 0, which the paper leaves
        open (appendix A.2), and at λ = 0 and 1 the limit for Betas and their mixtures.
        """
        at_end = z.double().clamp(-1e6, 1e6)  # far enough for the smallest exponents to decide
        ahead, back = self.log_density_logit(at_end), self.log_density_logit(-at_end)
        both_zero = torch.isneginf(ahead) & torch.isneginf(back)
        odds = torch.where(both_zero, 0.0, ahead - back)
        here, mirrored = (
            sum((mass * _is_at(side, at) for at, mass in self.atoms()), torch.zeros_like(at_end))
            for side in (z.double(), -z.double())
        )
        return torch.where(here + mirrored > 0, here.log() - mirrored.log(), odds)

    def atoms(self) -> list[tuple[float, float]]:
        """The point masses, as (λ, mass)."""
        return []

    def breakpoints(self) -> list[float]:
        """The finite logits at which the density may jump or a point mass lies."""
        return []

    def furthest_logit(self) -> float:
        """Integrals run over ± this: beyond it λ is 0 or 1 in float64, or the mass below e^−37."""
        return 36.0

    @property
    def is_symmetric(self) -> bool:
        """True if the policy is known to be its own mirror image."""
        return False

    def __repr__(self) -> str:
        return self.notation or super().__repr__()


def _is_at(z: Tensor, at: float) -> Tensor:
    """True where σ(z) is the atom at ``at``, within the precision of float32.

    The tolerance is smaller near an end, where densities pile up.
    """
    if at in (0.0, 1.0):
        return z == (math.inf if at else -math.inf)
    return (torch.sigmoid(z) - at).abs() < min(1e-6, 1e-3 * at * (1 - at))


def uniform(shape: Shape, generator: torch.Generator | None = None) -> Tensor:
    """Draws from the uniform distribution on [0, 1)."""
    return torch.rand(torch.Size(shape), generator=generator, dtype=torch.float64, device="cpu")
