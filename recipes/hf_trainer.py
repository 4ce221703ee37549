"""Hugging Face Trainer: mix in compute_loss, and in training only."""

import tempfile

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import PrinterCallback, Trainer, TrainingArguments

import umixup as um


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)
        )

    def forward(self, pixel_values, labels=None):
        return {"logits": self.net(pixel_values)}


class MixingTrainer(Trainer):
    mixer = um.mixing.MixUp(0.4, num_classes=10, seed=0)

    def compute_loss(self, model, inputs, return_outputs=False, **_):
        labels = inputs.pop("labels")
        if model.training:
            inputs, labels = self.mixer(inputs, labels)
        outputs = model(**inputs)
        loss = cross_entropy(outputs["logits"], labels)
        return (loss, outputs) if return_outputs else loss


torch.manual_seed(0)
digits = um.data.load("digits")
train, test = (
    [
        {"pixel_values": a, "labels": b}
        for a, b in zip(digits.normalize(x), y, strict=True)
    ]
    for x, y in ((digits.train_x, digits.train_y), (digits.test_x, digits.test_y))
)
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder,
        num_train_epochs=5,
        per_device_train_batch_size=64,
        learning_rate=3e-3,
        label_names=["labels"],
        remove_unused_columns=False,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = MixingTrainer(
        model=Net(),
        args=arguments,
        train_dataset=train,
        compute_metrics=lambda p: {
            "accuracy": (p.predictions.argmax(1) == p.label_ids).mean()
        },
    )
    trainer.remove_callback(PrinterCallback)  # no lines but ours
    trainer.model_accepts_loss_kwargs = False  # compute_loss returns a mean
    trainer.train()
    found = trainer.evaluate(test)
print(f"Hugging Face Trainer: test accuracy {found['eval_accuracy']:.1%}")
