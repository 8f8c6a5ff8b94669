"""What the codes of an invoice mean, for the columns `<code>_descrizione`; types of documents are in `document_types`.

From the XSD of ordinary invoices (1.2.2), in its words. RF20 is younger: it came with version 1.2.3 of the format, in
April 2025.
"""

NATURA = {
    "N1": "Escluse ex art. 15 del D.P.R. 633/1972",
    "N2": "Non soggette",
    "N2.1": "Non soggette ad IVA ai sensi degli artt. da 7 a 7-septies del D.P.R. 633/1972",
    "N2.2": "Non soggette - altri casi",
    "N3": "Non imponibili",
    "N3.1": "Non imponibili - esportazioni",
    "N3.2": "Non imponibili - cessioni intracomunitarie",
    "N3.3": "Non imponibili - cessioni verso San Marino",
    "N3.4": "Non imponibili - operazioni assimilate alle cessioni all'esportazione",
    "N3.5": "Non imponibili - a seguito di dichiarazioni d'intento",
    "N3.6": "Non imponibili - altre operazioni che non concorrono alla formazione del plafond",
    "N4": "Esenti",
    "N5": "Regime del margine / IVA non esposta in fattura",
    "N6": (
        "Inversione contabile (per le operazioni in reverse charge ovvero nei casi di autofatturazione per acquisti "
        "extra UE di servizi ovvero per importazioni di beni nei soli casi previsti)"
    ),
    "N6.1": "Inversione contabile - cessione di rottami e altri materiali di recupero",
    "N6.2": (
        "Inversione contabile - cessione di oro e argento ai sensi della legge 7/2000 nonché di oreficeria usata ad OPO"
    ),
    "N6.3": "Inversione contabile - subappalto nel settore edile",
    "N6.4": "Inversione contabile - cessione di fabbricati",
    "N6.5": "Inversione contabile - cessione di telefoni cellulari",
    "N6.6": "Inversione contabile - cessione di prodotti elettronici",
    "N6.7": "Inversione contabile - prestazioni comparto edile e settori connessi",
    "N6.8": "Inversione contabile - operazioni settore energetico",
    "N6.9": "Inversione contabile - altri casi",
    "N7": (
        "IVA assolta in altro stato UE (prestazione di servizi di telecomunicazioni, tele-radiodiffusione ed "
        "elettronici ex art. 7-octies lett. a, b, art. 74-sexies D.P.R. 633/1972)"
    ),
}

MODALITA_PAGAMENTO = {
    "MP01": "Contanti",
    "MP02": "Assegno",
    "MP03": "Assegno circolare",
    "MP04": "Contanti presso Tesoreria",
    "MP05": "Bonifico",
    "MP06": "Vaglia cambiario",
    "MP07": "Bollettino bancario",
    "MP08": "Carta di pagamento",
    "MP09": "RID",
    "MP10": "RID utenze",
    "MP11": "RID veloce",
    "MP12": "RIBA",
    "MP13": "MAV",
    "MP14": "Quietanza erario",
    "MP15": "Giroconto su conti di contabilità speciale",
    "MP16": "Domiciliazione bancaria",
    "MP17": "Domiciliazione postale",
    "MP18": "Bollettino di c/c postale",
    "MP19": "SEPA Direct Debit",
    "MP20": "SEPA Direct Debit CORE",
    "MP21": "SEPA Direct Debit B2B",
    "MP22": "Trattenuta su somme già riscosse",
    "MP23": "PagoPA",
}

TIPO_CASSA = {
    "TC01": "Cassa nazionale previdenza e assistenza avvocati e procuratori legali",
    "TC02": "Cassa previdenza dottori commercialisti",
    "TC03": "Cassa previdenza e assistenza geometri",
    "TC04": "Cassa nazionale previdenza e assistenza ingegneri e architetti liberi professionisti",
    "TC05": "Cassa nazionale del notariato",
    "TC06": "Cassa nazionale previdenza e assistenza ragionieri e periti commerciali",
    "TC07": "Ente nazionale assistenza agenti e rappresentanti di commercio (ENASARCO)",
    "TC08": "Ente nazionale previdenza e assistenza consulenti del lavoro (ENPACL)",
    "TC09": "Ente nazionale previdenza e assistenza medici (ENPAM)",
    "TC10": "Ente nazionale previdenza e assistenza farmacisti (ENPAF)",
    "TC11": "Ente nazionale previdenza e assistenza veterinari (ENPAV)",
    "TC12": "Ente nazionale previdenza e assistenza impiegati dell'agricoltura (ENPAIA)",
    "TC13": "Fondo previdenza impiegati imprese di spedizione e agenzie marittime",
    "TC14": "Istituto nazionale previdenza giornalisti italiani (INPGI)",
    "TC15": "Opera nazionale assistenza orfani sanitari italiani (ONAOSI)",
    "TC16": "Cassa autonoma assistenza integrativa giornalisti italiani (CASAGIT)",
    "TC17": "Ente previdenza periti industriali e periti industriali laureati (EPPI)",
    "TC18": "Ente previdenza e assistenza pluricategoriale (EPAP)",
    "TC19": "Ente nazionale previdenza e assistenza biologi (ENPAB)",
    "TC20": "Ente nazionale previdenza e assistenza professione infermieristica (ENPAPI)",
    "TC21": "Ente nazionale previdenza e assistenza psicologi (ENPAP)",
    "TC22": "INPS",
}

TIPO_RITENUTA = {
    "RT01": "Ritenuta di acconto persone fisiche",
    "RT02": "Ritenuta di acconto persone giuridiche",
    "RT03": "Contributo INPS",
    "RT04": "Contributo ENASARCO",
    "RT05": "Contributo ENPAM",
    "RT06": "Altro contributo previdenziale",
}

REGIME_FISCALE = {
    "RF01": "Regime ordinario",
    "RF02": "Regime dei contribuenti minimi (art. 1, c. 96-117, L. 244/2007)",
    "RF04": "Agricoltura e attività connesse e pesca (artt. 34 e 34-bis, D.P.R. 633/1972)",
    "RF05": "Vendita sali e tabacchi (art. 74, c. 1, D.P.R. 633/1972)",
    "RF06": "Commercio dei fiammiferi (art. 74, c. 1, D.P.R. 633/1972)",
    "RF07": "Editoria (art. 74, c. 1, D.P.R. 633/1972)",
    "RF08": "Gestione di servizi di telefonia pubblica (art. 74, c. 1, D.P.R. 633/1972)",
    "RF09": "Rivendita di documenti di trasporto pubblico e di sosta (art. 74, c. 1, D.P.R. 633/1972)",
    "RF10": (
        "Intrattenimenti, giochi e altre attività di cui alla tariffa allegata al D.P.R. 640/1972 (art. 74, c. 6, "
        "D.P.R. 633/1972)"
    ),
    "RF11": "Agenzie di viaggi e turismo (art. 74-ter, D.P.R. 633/1972)",
    "RF12": "Agriturismo (art. 5, c. 2, L. 413/1991)",
    "RF13": "Vendite a domicilio (art. 25-bis, c. 6, D.P.R. 600/1973)",
    "RF14": "Rivendita di beni usati, di oggetti d'arte, d'antiquariato o da collezione (art. 36, D.L. 41/1995)",
    "RF15": ("Agenzie di vendite all'asta di oggetti d'arte, antiquariato o da collezione (art. 40-bis, D.L. 41/1995)"),
    "RF16": "IVA per cassa P.A. (art. 6, c. 5, D.P.R. 633/1972)",
    "RF17": "IVA per cassa (art. 32-bis, D.L. 83/2012)",
    "RF18": "Altro",
    "RF19": "Regime forfettario",
    "RF20": "Regime transfrontaliero di franchigia IVA (Direttiva UE 2020/285)",
}
