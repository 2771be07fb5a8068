// System A: status of each file, kept for the components (its types left out).
import { create } from "zustand";

const empty = (fileId) => ({
  fileId,
  steps: [],
  overallProgress: 0,
  startedAt: Date.now(),
});

export const useFileStatusStore = create((set, get) => {
  const change = (fileId, change) =>
    set(({ files }) => {
      const file = files[fileId] ?? empty(fileId);
      return { files: { ...files, [fileId]: { ...file, ...change(file) } } };
    });

  return {
    files: {},

    addStep: (fileId, step) =>
      change(fileId, (file) => {
        const steps = file.steps.map((one) =>
          one.status === "in_progress" ? { ...one, status: "complete" } : one,
        );
        const last = steps.at(-1);
        if (last?.step === step.step) steps[steps.length - 1] = { ...last, ...step };
        else steps.push(step);
        return {
          filename: step.extra?.filename ?? file.filename,
          steps,
          currentStep: step,
          overallProgress: step.progress ?? file.overallProgress,
        };
      }),

    updateProgress: (fileId, progress) => change(fileId, () => ({ overallProgress: progress })),

    markComplete: (fileId) =>
      change(fileId, (file) => ({
        steps: file.steps.map((step) => ({ ...step, status: "complete" })),
        overallProgress: 100,
        completedAt: Date.now(),
      })),

    setError: (fileId, error) =>
      change(fileId, (file) => ({
        steps: file.steps.map((step, index) =>
          index === file.steps.length - 1 ? { ...step, status: "error" } : step,
        ),
        error,
      })),

    clearStatus: (fileId) =>
      set(({ files }) => {
        const { [fileId]: gone, ...rest } = files;
        return { files: rest };
      }),

    clearAll: () => set({ files: {} }),

    getStatus: (fileId) => get().files[fileId],
    getAllStatuses: () => Object.values(get().files),
    getActiveFiles: () => Object.values(get().files).filter((f) => !f.completedAt && !f.error),
    getCompletedFiles: () => Object.values(get().files).filter((f) => f.completedAt),
  };
});
