"""What stands beside a number that makes it a date, or something else: a ratio of nodes, a score, a dose, a murmur."""

from __future__ import annotations

import re

# what stands beside a partial date that shows it is none
NOT_BEFORE = re.compile(
    r"(?:\b(?:hydrocortisone|cortef|cytokeratins?|keratins?|ck|cam|ae|ln|lns|nodes?|lymph nodes?|ecog|ps|pain|strength|gcs|bp|murmur|take|takes|taking|score|nprs|vas|cam-icu|fuhrman|nottingham|ishak|metavir|kellgren(?:-lawrence)?|lachman|o?edema|hads|edss|mrs|audit|barthel|asia|frankel|mrc|borg|page|series|image|slice|odds|dilution|scale|dtrs?|acuity|half-life|margins?|her2|allred|mallampati|nyha|q?sofa|apache(?: ii)?|phq-?[29]|gad-?7|moca|mmse|curb-?65|child-pugh(?: [abc])?|child pugh(?: [abc])?|h/h|h&h|auc|days?|gleason|bethesda|(?:pi|bi|ti|li|o|lung)-?rads|deauville|child|class|category|french|fr|segments?|ribs?|zones?|grade|stage|station|level|ratio|titer|titre|vision|va|apgar|motor|reflexes|pulses|power|wbrt|pci|xrt|rt|sbrt|imrt|cycle|cycles|dose|doses|fraction|fractions|rated|is|are|was|sat|about|approximately|arm|phase|hep|hiv|cn|type|fx|pts?|all|gy|no|age|aged|hgb|hct|wbc|plt|ratio|nodes? \(|tel|phone|ext|call|mrn|acc|accession|room|rm|blood pressure)\.?\s*[:#=]?\s*|[#$]\s*|\d\s*[x×]\s*|\bx\s?)$",
    re.IGNORECASE,
)
NOT_AFTER = re.compile(
    r"\s*(?:[\"”]|ns\b|normal saline|tabs?|tablets?|systolic|diastolic|murmur|sem\b|o[dsu]\b|allred|days?\b(?!\s*\d)|nodes?|lymph|ln\b|lns\b|strength|positive|cores?|cycles?|doses?|packs?|ppd|mmhg|mm\b|cm\b|mg|ml|hpf|quadrants?|fractions?|fx\b|extremit|bilateral|in (?:all|both|(?:the )?(?:legs?|arms?|upper|lower|hands?|feet))\b|throughout|sei\b|pain|l\b|ls\b|cup|inch|pulses?|scale|criteria|blood cultures?|bottles?|levels?|teaspoon|of (?!(?:this|last|19\d\d|20\d\d)\b)|planned|days? (?:on|off)|weeks? (?:on|off)|edema|pitting|limbs?|samples?|specimens?|slides?|biops|cases?|patients|on (?:a|the) (?:scale|pain))",
    re.IGNORECASE,
)
HINT = re.compile(
    r"(?:\b(?:on|since|from|until|till|thru|through|by|dated?|to|of|last|cbc|cmp|bmp|diff|chem|lfts?|bloods|bilan|nfs|vitals|vs|results?|scan|cxr|done|started|start|starting|completed|finished|ended|stopped|held|began|begun|given|seen|added|resumed|restarted|rechallenged|initiated|discontinued|declined|offered|off|switched|since last|labs?|drawn|collected|and|before|after|as of|d1|c\d+|due|ct|mri|pet|c/a/p|cap|a/p|chest|brain|abdomen|pelvis|path|ekg|ecg|tte|echo|bx|dx|pd|due|le|du|au|the|tomorrow|today|yesterday|mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday|session|visit|infusion|dose|week of|admitted|discharged|clinic|note|exp)\.?\s*|[(:;,\-–>@]\s*|^\s*)$",
    re.IGNORECASE,
)
LAST = re.compile(r"\blast (?:tx|treatment|chemo\w*|cycle|infusion|dose|scan|visit|course)\b[^.;:]{0,20}$", re.IGNORECASE)
FUTURE = re.compile(
    r"\b(?:will|planned|plan|scheduled|next|due|upcoming|tentative|appointment|return|rtc|to start|to begin|follow[- ]?up|f/u|provisional|booked|book|through|continues|until|thru)\b[^.;]{0,40}$",
    re.IGNORECASE,
)
YEAR_NOT_BEFORE = re.compile(
    r"(?:[#$]|\b(?:room|no|mrn|acc|id|ext|extension|order|lot|call|version|v|study|x|nct|dose|of|total|score|at|approximately|about|who|edition,|edition|ajcc|fish|figo|isup|criteria|asco|wbc|ferritin|count|level|ng|cells|weight|weighing|bnp|cea|plt|plts|platelets|calcitonin|psa|cga|nse|ldh|ck|afp|ddimer|d-dimer|hcg|crp|progrp|chromogranin|troponin|ferritin|bnp|probnp|ast|alt|alp|ggt|anc|alc|plaquettes|mrn|[<>=~]))\s*[.:#]?\s*$",
    re.IGNORECASE,
)
YEAR_OK_OF = re.compile(
    r"\b(?:early|late|end|beginning|middle|mid|spring|summer|fall|autumn|winter|year|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\s+of\s*$|\b(?:ago,?|in|since|from|until)\s+(?:approximately|about)\s*$",
    re.IGNORECASE,
)
DAYS = re.compile(r"\b(?:days|d)\s*$", re.IGNORECASE)
#: in front of a day in French and German
ARTICLE = re.compile(r"\b(?:du|le|au|vom|dem|zum)\s+$", re.IGNORECASE)
