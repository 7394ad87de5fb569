"""Words that name a sensitive inference by themselves; `concepts` judges what they do not."""

import re
import unicodedata

from tinyalm.policy.rules import Category

# Only words that hardly mean anything else: "male" and "happy" are said of frogs and of music.
_WORDS: dict[Category, str] = {
    "identity": (
        r"who(se| is| are)? (voice|speaking|talking|singing|speaks|talks)|voice ?prints?|"
        r"speaker (identit\w+|identification|recognition|verification)|identity|identif\w+ "
        r"(the |a |this |that )?(speaker|voice|person|caller|singer)|(same|which|known) "
        r"(speaker|voice|person|singer|caller)|biometrics?"
    ),
    "age": (
        r"elderly|senior citizens?|pensioners?|teen(age)?(rs?)?|teenaged|adolescents?|toddlers?|"
        r"(grand(ma|pa|mother|father)s?)|middle.aged|how old (is|are)|years? old|"
        r"age of (the|a) (speaker|person|caller|voice|singer)|under ?age|"
        r"(child|kid|boy|girl|baby)s?('s|s')? voices?"
    ),
    "gender": (
        r"m[ae]ns?|wom[ae]ns?|boys?|girls?|lad(y|ies)|gentlem[ae]n|guys?|she|he|her|his|him|gender|"
        r"transgender|schoolgirls?|schoolboys?|(sex|gender) of (the|a) \w+|"
        r"(adult|young|old|human) (fe)?males?|(fe)?males? (\w+ly )?(voices?|speech|speak\w*|"
        r"singers?|singing|sings?|talk\w*|person|people|caller|yell\w*|shout\w*|laugh\w*)"
    ),
    "emotion": (
        r"emotions?|emotional( state)?|sentiments?|heartbroken|"
        r"mood of (the|a) (speaker|person|caller|voice|singer|conversation)"
    ),
    "health": (
        r"asthma\w*|bronchitis|pneumonia|covid|influenza|flu|dementia|alzheimer\w*|parkinson\w*|"
        r"schizophren\w+|depressive|suicid\w+|mental(ly)? (ill\w*|health)|autis\w+|epilep\w+|"
        r"diabet\w+|pregnan\w+|stroke|stutterers?|disab(led|ility)|diagnos\w+|sick (person|people|"
        r"man|woman|child|patient)|drunk\w*|intoxicated|alcoholic|patients?|illness\w*|diseases?|"
        r"medical condition|speech impairment|infected"
    ),
    "ethnicity": (
        r"ethnic\w*|nationalit(y|ies)|immigrants?|mother tongue|native (speakers?|language)|"
        r"hispanics?|latin[oax]s?|caucasians?|arabs?|muslims?|jew(s|ish)?|hindus?|"
        r"rac(e|ial) (of|origin|profile)|skin colou?r|african american|religio\w+|"
        r"\w+ accent|(black|white|asian|brown) (person|people|man|woman|speaker|voice)s?"
    ),
}
_PATTERNS = {name: re.compile(rf"\b(?:{words})\b") for name, words in _WORDS.items()}


def named(text: str) -> Category | None:
    """The sensitive inference that a word of ``text`` names; None where no word does."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = " ".join(plain.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    return next((name for name, words in _PATTERNS.items() if words.search(plain)), None)
