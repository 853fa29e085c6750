/**
 * Words and phrases by category of OpenAI's moderation endpoint, each with how far it alone goes towards a block.
 * 0.9: hardly ever harmless; 0.6: more often harmful than not; 0.3: counts together with others.
 */

/** By category: patterns over lower-case text and how far each alone goes towards a block, in (0, 1]. */
export type KeywordList = Readonly<Record<string, readonly (readonly [pattern: string, weight: number])[]>>;

export const harmfulWords: KeywordList = {
  'illicit/violent': [
    ['(?:pipe|car|dirty|nail|fertili[sz]er|suicide|nuclear|letter|home-?made) bombs?', 0.9],
    [
      '(?:build|make|making|built|assemble|construct|detonate|plant) (?:an? |the |your |my )?(?:\\w+ )?(?:bombs?|explosives?|grenades?|landmines?|ieds?)',
      0.9,
    ],
    [
      'bomb-making|bomb making|improvised explosives?|explosive devices?|detonators?|molotov(?: cocktails?)?',
      0.6,
    ],
    [
      'sarin|nerve (?:gas|agents?)|mustard gas|ricin|anthrax|botulinum|vx gas|chemical weapons?|biological weapons?|bioweapons?',
      0.6,
    ],
    [
      'ghost guns?|untraceable (?:guns?|firearms?)|illegal (?:guns?|firearms?|weapons?)|(?:3d|3d-)printed guns?',
      0.6,
    ],
    ['terrorists?|terrorist attacks?|mass shootings?|school shootings?|massacres?', 0.6],
    ['bombs?|explosives?|ammunition|assassinat\\w*', 0.3],
  ],
  illicit: [
    [
      '(?:make|making|cook|cooking|synthesi[sz]e|produce|manufacture|buy|sell|smuggle) (?:some |crystal |pure )?(?:meth|methamphetamine|cocaine|heroin|fentanyl|mdma|lsd|crack|ecstasy|drugs)',
      0.9,
    ],
    ['(?:hack|hacking|break|breaking) into', 0.6],
    [
      '(?:write|create|build|make|develop|deploy) (?:an? |some |the )?(?:\\w+ )?(?:malware|ransomware|virus|worm|trojan|keylogger|rootkit|botnet|spyware)',
      0.9,
    ],
    [
      'ransomware|keyloggers?|rootkits?|botnets?|ddos|sql injection|phishing|credential stuffing|zero-day exploits?',
      0.6,
    ],
    [
      'identity theft|steal (?:\\w+ ){0,3}(?:identity|identities|passwords?|credit cards?|cars?|data|money)|credit card fraud|counterfeit(?:ing)?|forged?|fake (?:ids?|passports?|documents?|money|prescriptions?)',
      0.6,
    ],
    [
      'launder(?:ing)? money|money laundering|tax (?:evasion|fraud)|insider trading|ponzi schemes?|pyramid schemes?|embezzl\\w*|blackmail\\w*|extort\\w*|brib(?:e|es|ed|ery|ing)|scams?|defraud\\w*',
      0.6,
    ],
    [
      'shoplift\\w*|burglar\\w*|rob (?:an? |the )?(?:banks?|stores?|houses?)|pick (?:an? |the )?locks?|hot-?wire|car theft|human trafficking|smuggl\\w*|poach(?:ing|ers?)',
      0.6,
    ],
    [
      'get away with|without (?:getting|being) caught|evade (?:the )?(?:police|detection|law enforcement)|avoid detection|cover up (?:an? |the |my )?(?:crimes?|murder|theft)',
      0.6,
    ],
    ['illegal(?:ly)?|malware|hack(?:er|ers|ing)?|stolen|meth|cocaine|heroin|fentanyl|pirat(?:e|ed|ing)', 0.3],
  ],
  violence: [
    [
      '(?:kill|murder|strangle|poison|stab|torture|kidnap|shoot|hurt|beat up|attack|assault) (?:my |your |his |her |their |an? |the |some |other |innocent )?(?:wife|husband|girlfriend|boyfriend|neighbou?rs?|boss|people|someone|somebody|person|child|children|kids?|woman|women|man|men|him|her|them|family|mother|father|brother|sister|baby|president|teacher|classmates?|friend|coworkers?|humans?)',
      0.9,
    ],
    [
      'dispose of (?:an? |the )?(?:dead )?bod(?:y|ies)|hide (?:an? |the )?(?:dead )?bod(?:y|ies)|hit ?man|serial killers?|behead\\w*|dismember\\w*|lynch\\w*|genocide',
      0.6,
    ],
    [
      'murder\\w*|kill(?:s|ed|ing)?|tortur\\w*|kidnap\\w*|stab(?:s|bed|bing)?|strangl\\w*|violen(?:ce|t)',
      0.3,
    ],
  ],
  'self-harm': [
    [
      '(?:kill|hurt|harm|cut|hang|starv\\w*) (?:myself|yourself|himself|herself|themselves)|end (?:my|your|their) (?:own )?life|commit(?:ting)? suicide',
      0.9,
    ],
    [
      'suicid(?:e|al)|self-?harm(?:ing)?|anorexi(?:a|c)|bulimi(?:a|c)|pro-ana|thinspo|lethal (?:dose|overdose)',
      0.6,
    ],
  ],
  hate: [
    [
      '(?:all |the )?(?:jews|muslims|blacks|black people|gays|immigrants|mexicans|women|asians|whites|white people|transgender people|christians|refugees) (?:are|should be|must be|deserve to be) (?:\\w+ ){0,3}(?:inferior|animals|vermin|killed|exterminated|deported|criminals|subhuman|stupid|evil|lazy|terrorists|dirty|banned)',
      0.9,
    ],
    [
      "white power|white supremac\\w*|racial purity|ethnic cleansing|neo-?nazis?|heil hitler|holocaust (?:is|was|never|did not|didn't)|master race|subhumans?|n[i1]gg(?:er|a)s?|f[a4]gg?ots?|k[i1]kes?|sp[i1]cs?|ch[i1]nks?|tr[a4]nn(?:y|ies)|wetbacks?",
      0.6,
    ],
    [
      'racists?|racism|racial slurs?|slurs?|sexists?|misogyn\\w*|homophob\\w*|xenophob\\w*|hate speech|holocaust|nazis?',
      0.3,
    ],
  ],
  harassment: [
    [
      'dox(?:x|xx)?(?:ing|ed)?|stalk(?:ing)? (?:my|your|an?|her|him|someone)|revenge porn|swatting|go (?:die|kill yourself|hang yourself)|you should (?:die|kill yourself|hang yourself)',
      0.6,
    ],
    [
      'bully(?:ing)?|harass(?:ing|ment)?|stalk(?:s|ed|er|ing)?|defam\\w*|slander\\w*|humiliat\\w*|threaten\\w*|spread(?:ing)? (?:false )?rumou?rs',
      0.3,
    ],
    [
      'stupid|idiots?|morons?|bitch(?:es)?|whores?|sluts?|cunts?|fuck(?:ing|ed|er)?|asshole|retard(?:ed|s)?',
      0.3,
    ],
  ],
  'sexual/minors': [
    [
      'child (?:porn\\w*|abuse|sexual\\w*)|(?:porn\\w*|sex\\w*|nudes?|erotic\\w*) (?:\\w+ ){0,4}(?:child(?:ren)?|minors?|underage|kids?|teen(?:age)?(?:rs?)?|toddlers?)|underage (?:sex|porn|girls?|boys?)|pa?edophil\\w*|csam|loli(?:ta)?',
      0.9,
    ],
  ],
  sexual: [
    [
      'rap(?:e|es|ed|ing|ist)|sexual(?:ly)? (?:assault\\w*|abus\\w*|harass\\w*)|date rape|rohypnol|incest|bestiality|non-?consensual',
      0.6,
    ],
    ['porn\\w*|sex(?:ual|ually)?|nudes?|erotic\\w*|orgasms?|masturbat\\w*|blow ?jobs?|prostitut\\w*', 0.3],
  ],
};
