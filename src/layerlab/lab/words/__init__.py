"""Sentences from numbers, in English and Polish: no text says what was found before it was found.

A question may word its answer itself, under ``[words.en]`` and ``[words.pl]`` of its file. Each entry replaces the
general text of the same key in ``en.json`` or ``pl.json``; a key that is not given keeps the general text. A key
counts for all comparisons, or for one: ``"equal-time.better"`` is that of the comparison ``equal-time`` alone.

A sentence begins in lower case and ends without a full stop; what comes first is capitalised, and the evidence
(means, difference, 95 % interval, n, p, share of pairs, runs that did not train) is put behind it in brackets, whatever
the file says. Placeholders stand in braces; those that a key has not are refused by :func:`check_words`.

====================  ========================================================  ======================================
key                   when                                                      placeholders
====================  ========================================================  ======================================
better                a contrast is decided; ``a`` is the better arm            a b claim metric difference interval
equivalent            the difference is smaller than what matters               a b metric difference interval smallest
undecided             neither                                                   a b metric difference interval more
exploratory           under 6 seeds                                             a b metric difference interval more
unfair                an arm did not train, or the arms were not equal          a b metric reason
several               a headline of contrasts with one arm in common, ``b``     b metric lists
rises, falls          a trend, of the metric as it is printed                   metric factor change first last slope
falls-then-rises      a trend with its lowest point inside                      metric factor best first last
rises-then-falls      a trend with its highest point inside                     metric factor best first last
more-is-better        in place of rises or falls, of the metric that decides    metric factor change first last slope
less-is-better        the same where the smallest level is best                 metric factor change first last slope
best-inside           in place of falls-then-rises and rises-then-falls         metric factor best first last
flat                  the change over the range is smaller than what matters    metric factor smallest first last
trend-undecided       none of these                                             metric factor change first last more
trend-unfair          most levels did not train, or were not equal              metric factor reason
onset                 ``a`` is better at ``level`` and every larger one         a b level factor metric
no-onset              there is no such level                                    a b factor metric lists
range                 at how many levels of ``factor`` runs trained             arms factor
grid                  the best cell of a grid                                   best value metric
sets                  the smallest sets that solve a task                       task sets
no-set                none solved a task                                        task
====================  ========================================================  ======================================

``a``, ``b``, ``best``, ``level``, ``first``, ``last`` are labels such as "4 hidden layers" (in Polish in the
nominative, "4 warstwy ukryte"); ``claim`` is a clause such as "the test loss is 0.12 lower than", so that "with {a},
{claim} with {b}" is a sentence; ``metric`` and ``factor`` are names such as "the test loss" and "the number of hidden
layers"; ``metric-accusative``, ``metric-genitive`` and ``factor-genitive`` are the same in another case (in English all
are equal); ``slope`` is a clause such as "each doubling of the number of hidden layers raises the test loss by 0.03";
``lists`` tells which arms or levels are better, worse, equivalent, undecided.

Names can be replaced as well: ``factor-depth`` and ``factor-depth-genitive`` (of any factor), ``level-skip-yes`` (the
label of a level of any factor; ``level-depth`` is that of all its levels, with the placeholder ``value``),
``task-spiral``, ``metric-loss``, ``metric-loss-accusative`` and ``metric-loss-genitive``.
"""

from layerlab.lab.words.sentences import Sentence, headline, sentences, verdict_line
from layerlab.lab.words.templates import check_words

__all__ = ["Sentence", "check_words", "headline", "sentences", "verdict_line"]
