"""The types of documents: what their codes mean, for the column `tipo_documento_descrizione`."""

TIPO_DOCUMENTO = {
    "TD01": "Fattura",
    "TD02": "Acconto/anticipo su fattura",
    "TD03": "Acconto/anticipo su parcella",
    "TD04": "Nota di credito",
    "TD05": "Nota di debito",
    "TD06": "Parcella",
    "TD07": "Fattura semplificata",
    "TD08": "Nota di credito semplificata",
    "TD09": "Nota di debito semplificata",
    "TD16": "Integrazione fattura reverse charge interno",
    "TD17": "Integrazione/autofattura per acquisto servizi dall'estero",
    "TD18": "Integrazione per acquisto di beni intracomunitari",
    "TD19": "Integrazione/autofattura per acquisto di beni ex art. 17 c. 2 DPR 633/72",
    "TD20": "Autofattura per regolarizzazione e integrazione delle fatture",
    "TD21": "Autofattura per splafonamento",
    "TD22": "Estrazione beni da deposito IVA",
    "TD23": "Estrazione beni da deposito IVA con versamento dell'IVA",
    "TD24": "Fattura differita di cui all'art. 21, comma 4, terzo periodo lett. a) DPR 633/72",
    "TD25": "Fattura differita di cui all'art. 21, comma 4, terzo periodo lett. b) DPR 633/72",
    "TD26": "Cessione di beni ammortizzabili e per passaggi interni (ex art. 36 DPR 633/72)",
    "TD27": "Fattura per autoconsumo o per cessioni gratuite senza rivalsa",
    "TD28": "Acquisti da San Marino con IVA (fattura cartacea)",
    "TD29": "Comunicazione per omessa o irregolare fatturazione",
}
"""Descriptions by `TipoDocumento`, from the XSDs (1.2.2 and FSM10); TD29 from the authors of FatturaElettronica.NET."""
