"""The steps of the plans: which reader does the work, and what is said about it."""

from collections.abc import Mapping

from app.pipeline.steps.classification import Classification
from app.pipeline.steps.delta_analysis import DeltaAnalysis
from app.pipeline.steps.document_classification import DocumentClassification
from app.pipeline.steps.document_kind import DocumentKind
from app.pipeline.steps.duplicate_check import DuplicateCheck
from app.pipeline.steps.enrichment import Enrichment
from app.pipeline.steps.entity_resolution import EntityResolution
from app.pipeline.steps.extracting import Extracting
from app.pipeline.steps.field_check import FieldCheck
from app.pipeline.steps.field_detection import FieldDetection
from app.pipeline.steps.field_reading import FieldReading
from app.pipeline.steps.initializing_streaming import Identify
from app.pipeline.steps.likeness import Likeness
from app.pipeline.steps.malware_scan import MalwareScan
from app.pipeline.steps.model_reading import ModelsRead
from app.pipeline.steps.page_reading import PageReading
from app.pipeline.steps.platform_detection import PlatformDetection
from app.pipeline.steps.saving import Indexing, Saving
from app.pipeline.steps.storing import Storing
from app.pipeline.steps.unpacking import Placed, Unpacking
from app.pipeline.steps.work import Work

STEPS: Mapping[str, Work] = {
    work.key: work
    for work in (
        Identify(),
        DuplicateCheck(),
        MalwareScan(),
        DocumentKind(),
        FieldReading(),
        FieldDetection(),
        PlatformDetection(),
        DocumentClassification(),
        Extracting(),
        DeltaAnalysis(),
        Storing(),
        EntityResolution(),
        Classification(),
        Enrichment(),
        Unpacking(),
        Placed(),
        PageReading(),
        ModelsRead(),
        FieldCheck(),
        Likeness(),
        Saving(),
        Indexing(),
    )
}
